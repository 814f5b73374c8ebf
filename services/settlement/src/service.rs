//! Composition.

use std::sync::Arc;
use std::time::Duration;

use bojagi_api::settlement::ledger_service_server::LedgerServiceServer;
use bojagi_api::settlement::operations_service_server::OperationsServiceServer;
use bojagi_api::settlement::settlement_service_server::SettlementServiceServer;
use bojagi_chassis::operations::Operations;
use bojagi_chassis::{Channel, Context, Service};
use bojagi_kernel::Failure;
use tokio::sync::Notify;

use crate::bank::{Bank, Simulator, WebhookSecret};
use crate::config::Config;
use crate::ingest_bank_event::Intake;
use crate::rpc::{Desk, LedgerRpc, SettlementRpc};
use crate::{NAME, commission_rates, counted, events, jobs};

/// The topic that settlement books from.
const TOPICS: &[&str] = &["bojagi.payment.v1"];

/// Settlement with the simulated bank. `channel` is how it asks payment and order.
///
/// # Errors
/// When the settings are wrong; what the database says.
pub async fn build(context: Context, channel: Channel, config: Config) -> Result<Service, Failure> {
    let secret = WebhookSecret::of(&config.bank_webhook_secret);
    let intake = intake(&context, &config, secret.clone());
    let simulator = Simulator::new(
        context.clone(),
        intake.clone(),
        secret,
        Duration::from_millis(config.simulated_bank_pays_after_ms.into()),
        Duration::from_millis(config.simulated_bank_returns_after_ms.into()),
    );
    let service = compose(context, channel, config, Arc::new(simulator.clone()), intake).await?;
    Ok(service.does(simulator.run()))
}

/// Settlement with a bank of the caller's choice, which signs its events with the configured secret.
///
/// # Errors
/// When the settings are wrong; what the database says.
pub async fn build_with_bank(
    context: Context,
    channel: Channel,
    config: Config,
    bank: Arc<dyn Bank>,
) -> Result<Service, Failure> {
    let intake = intake(&context, &config, WebhookSecret::of(&config.bank_webhook_secret));
    compose(context, channel, config, bank, intake).await
}

fn intake(context: &Context, config: &Config, secret: WebhookSecret) -> Intake {
    Intake { context: context.clone(), secret, fee: config.payout_fee_minor_units }
}

async fn compose(
    context: Context,
    channel: Channel,
    config: Config,
    bank: Arc<dyn Bank>,
    intake: Intake,
) -> Result<Service, Failure> {
    let mistakes = config.check();
    if !mistakes.is_empty() {
        return Err(Failure::broken(mistakes.join("; ")));
    }
    commission_rates::keep_default(&context, config.default_rate()).await?;
    let payout_stored = Arc::new(Notify::new());
    let desk = Desk {
        context: context.clone(),
        channel,
        bank: Arc::clone(&bank),
        bank_timeout: config.bank_timeout(),
        intake,
        payout_stored: Arc::clone(&payout_stored),
    };
    let service = Service::new(NAME, &context)
        .answers(SettlementServiceServer::new(SettlementRpc(desk.clone())))
        .answers(LedgerServiceServer::new(LedgerRpc(desk)))
        .answers(OperationsServiceServer::new(Operations::of(NAME, &context)))
        .hears(events::hears(), TOPICS)
        .does(jobs::close_days(context.clone(), config.clone()))
        .does(jobs::watch_closes(context.clone(), config.clone()))
        .does(counted::add_up(context.clone()))
        .does(jobs::send_payouts(context, bank, config, payout_stored));
    Ok(service)
}
