//! Composition: what the context answers, hears and does, given its ports.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::payment::operations_service_server::OperationsServiceServer;
use bojagi_api::payment::payment_method_service_server::PaymentMethodServiceServer;
use bojagi_api::payment::payment_service_server::PaymentServiceServer;
use bojagi_api::payment::wallet_service_server::WalletServiceServer;
use bojagi_chassis::operations::Operations;
use bojagi_chassis::{Channel, Context, Service, tasks};
use bojagi_kernel::{Currency, Failure};

use crate::config::{Config, ProviderKind};
use crate::desk::Desk;
use crate::flights::Flights;
use crate::ingest_provider_event::Intake;
use crate::provider::{Asking, Connection, HttpProvider, Secret, SignedEvent};
use crate::rpc::{MethodsApi, PaymentsApi, WalletApi};
use crate::simulator::{Simulator, SimulatorOptions, deliver};
use crate::{NAME, events, jobs, webhook_listener};

/// Builds the context with the provider that its settings name. Payment asks no other context, so it needs no channel;
/// it is taken because all contexts are built alike.
///
/// # Errors
/// When a setting is wrong, or the webhook address cannot be listened on.
pub async fn build(context: Context, channel: Channel, config: Config) -> Result<Service, Failure> {
    drop(channel);
    let connection = connect(&config).await?;
    build_with(context, config, connection)
}

/// Builds the context with a provider of the caller's.
///
/// # Errors
/// When a setting is wrong.
pub fn build_with(context: Context, config: Config, connection: Connection) -> Result<Service, Failure> {
    let desk = Arc::new(Desk {
        store: context.store.clone(),
        clock: Arc::clone(&context.clock),
        pager: context.pager.clone(),
        currency: Currency::parse(&config.currency).map_err(|error| Failure::Broken(Box::new(error)))?,
        provider: Asking { provider: connection.provider, patience: config.patience() },
        flights: Flights::default(),
    });
    let intake = Intake { desk: Arc::clone(&desk), secret: connection.webhook_secret };

    let mut service = Service::new(NAME, &context)
        .answers(PaymentServiceServer::new(PaymentsApi { desk: Arc::clone(&desk), intake: intake.clone() }))
        .answers(PaymentMethodServiceServer::new(MethodsApi(Arc::clone(&desk))))
        .answers(WalletServiceServer::new(WalletApi(Arc::clone(&desk))))
        .answers(OperationsServiceServer::new(Operations::of(NAME, &context)))
        .hears(events::hears(desk.currency, Arc::clone(&context.clock)), events::TOPICS);

    if let Some(listener) = connection.webhook_listener {
        service = service.does(webhook_listener::serve(listener, intake.clone(), context.stop.clone()));
    }
    if let Some(told) = connection.events {
        let take = move |event: SignedEvent| {
            let intake = intake.clone();
            async move { intake.ingest(&event.body, &event.signature).await.is_ok() }
        };
        service = service.does(deliver(told, context.stop.clone(), take));
    }
    let (after, pause) =
        (Duration::from_millis(config.recover_after_ms), Duration::from_millis(config.recover_every_ms));
    let recover = move || jobs::recover(Arc::clone(&desk), after);
    Ok(service.does(tasks::every("recover", pause, context.stop, recover)))
}

async fn connect(config: &Config) -> Result<Connection, Failure> {
    let address = config.webhook_listen().map_err(|error| Failure::Broken(Box::new(error)))?;
    let webhook_listener = match address {
        Some(address) => Some(webhook_listener::bind(address).await?),
        None => None,
    };
    match config.provider {
        ProviderKind::Simulator => {
            let given = &config.provider_webhook_secret;
            let webhook_secret = if given.len() == 0 { Secret::random() } else { given.clone() };
            let slow = Duration::from_millis(config.simulator_slow_ms);
            let (provider, told) = Simulator::new(SimulatorOptions { slow, webhook_secret: webhook_secret.clone() });
            Ok(Connection { provider, webhook_secret, events: Some(told), webhook_listener })
        }
        ProviderKind::Http => {
            let provider = Arc::new(HttpProvider::at(&config.provider_url)?);
            let webhook_secret = config.provider_webhook_secret.clone();
            Ok(Connection { provider, webhook_secret, events: None, webhook_listener })
        }
    }
}
