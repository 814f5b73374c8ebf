//! Where a seller is paid to, and what the bank tells.

use bojagi_api::settlement::{
    IngestBankEventRequest, IngestBankEventResponse, RegisterPayoutAccountRequest, RegisterPayoutAccountResponse,
};
use bojagi_chassis::{Caller, Fields, once};
use bojagi_kernel::Failure;
use bojagi_store::idempotency::{self, Recalled};
use bojagi_store::{Error, Tx};

use crate::bank::{BankSilent, BankToken};
use crate::domain::{PayoutAccount, SettlementRefusal};
use crate::rpc::{Desk, show};
use crate::store;

/// Characters of a token that a bank gives out.
const TOKEN_LENGTH: usize = 255;
/// Characters of the name of a bank.
const NAME_LENGTH: usize = 50;
/// Bytes of a bank event.
const BODY_LENGTH: usize = 64 * 1024;
/// Characters of its signature.
const SIGNATURE_LENGTH: usize = 1_024;

pub(super) async fn register_account(
    desk: &Desk,
    caller: &Caller,
    request: &RegisterPayoutAccountRequest,
) -> Result<RegisterPayoutAccountResponse, Failure> {
    let seller_id = caller.account()?.account_id;
    let mut fields = Fields::new(crate::NAME);
    let request_id = fields.request_id(&request.request_id);
    let token = fields.line("bank_token", &request.bank_token, TOKEN_LENGTH);
    let bank_name = fields.line("bank_name", &request.bank_name, NAME_LENGTH);
    let last_four = last_four(&mut fields, &request.last_four);
    let (Some(request_id), Some(token), Some(bank_name), Some(last_four)) = (request_id, token, bank_name, last_four)
    else {
        return Err(fields.refuse());
    };

    let token = BankToken::new(token);
    let key = once::key(caller, "RegisterPayoutAccount", request_id, request);
    // What was answered before holds whatever the bank says now.
    let known = key.clone();
    let recalled = desk.context.store.read(async move |tx: &mut Tx| idempotency::recall(tx, &known).await).await;
    if recalled.map_err(|error: Error| Failure::from(error))? == Recalled::New {
        ask_bank(desk, &token).await?;
    }
    let now = desk.context.clock.now();
    let account = PayoutAccount { bank_name, last_four };
    once::write(&desk.context.store, key, now, async move |tx: &mut Tx| {
        store::register_account(tx, seller_id, &token, &account, now).await?;
        Ok(RegisterPayoutAccountResponse { account: Some(show::account(&account)) })
    })
    .await
}

/// Whether the bank knows the token. A bank that does not answer in its time is not available.
async fn ask_bank(desk: &Desk, token: &BankToken) -> Result<(), Failure> {
    let answered = tokio::time::timeout(desk.bank_timeout, desk.bank.knows(token)).await;
    let answered = answered.unwrap_or_else(|_| Err(BankSilent("it takes too long".into())));
    if answered.map_err(|silent| Failure::Unavailable(Box::new(silent)))? {
        Ok(())
    } else {
        Err(SettlementRefusal::BankTokenUnknown.into())
    }
}

fn last_four(fields: &mut Fields, text: &str) -> Option<String> {
    if text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    fields.wrong("last_four", "must be exactly four digits");
    None
}

pub(super) async fn ingest_event(
    desk: &Desk,
    _: &Caller,
    request: &IngestBankEventRequest,
) -> Result<IngestBankEventResponse, Failure> {
    let mut fields = Fields::new(crate::NAME);
    if request.body.len() > BODY_LENGTH {
        fields.wrong("body", format_args!("must have at most {BODY_LENGTH} bytes"));
    }
    fields.prose("signature", &request.signature, SIGNATURE_LENGTH);
    fields.finish()?;

    desk.intake.take_in(&request.body, &request.signature).await?;
    Ok(IngestBankEventResponse {})
}
