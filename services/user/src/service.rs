//! Composition: the routes and the tasks of the user context.

use std::sync::Arc;

use bojagi_api::user::account_service_server::AccountServiceServer;
use bojagi_api::user::address_service_server::AddressServiceServer;
use bojagi_api::user::session_service_server::SessionServiceServer;
use bojagi_chassis::{Channel, Context, Service};
use bojagi_kernel::Failure;

use crate::config::Config;
use crate::hashing::Hasher;
use crate::limits::Limits;
use crate::mail::post_office::PostOffice;
use crate::rpc::{AccountRpc, AddressRpc, SessionRpc};
use crate::shared::Shared;
use crate::signing::Keyring;
use crate::{NAME, jobs, mail};

/// Composes the context over its store. It asks nobody, so that it has no use for the channel that every context is given.
///
/// # Errors
/// When the store cannot be read, or the configuration cannot be put to use.
pub async fn build(context: Context, _: Channel, config: Config) -> Result<Service, Failure> {
    let config = Arc::new(config);
    let limits = Arc::new(Limits::new(&config.limits));
    let mailer = mail::mailer(&config)?;
    let keyring = Keyring::open(context.store.clone(), &config, context.clock.now()).await?;
    let shared = Arc::new(Shared {
        store: context.store.clone(),
        clock: Arc::clone(&context.clock),
        pager: context.pager.clone(),
        hasher: Hasher::new(config.hashing)?,
        limits: Arc::clone(&limits),
        config: Arc::clone(&config),
        keyring,
    });
    let post_office =
        PostOffice { store: context.store.clone(), clock: Arc::clone(&context.clock), config, limits, mailer };
    let sessions = SessionRpc { shared: Arc::clone(&shared), stop: context.stop.clone() };
    Ok(Service::new(NAME, &context)
        .answers(AccountServiceServer::new(AccountRpc(Arc::clone(&shared))))
        .answers(SessionServiceServer::new(sessions))
        .answers(AddressServiceServer::new(AddressRpc(Arc::clone(&shared))))
        .does(post_office.run(context.stop.clone()))
        .does(jobs::make_dormant_daily(Arc::clone(&shared), context.clone()))
        .does(jobs::maintain_keys(Arc::clone(&shared), context.clone()))
        .does(jobs::tidy_up(shared, context.clone())))
}
