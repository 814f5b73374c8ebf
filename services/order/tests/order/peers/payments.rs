//! A fake of payment: one payment an order, with the states of the contract and no provider.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bojagi_api::common::LineAllocation;
use bojagi_api::payment::payment_service_server::PaymentService;
use bojagi_api::payment::{self, DeclineReason, PaymentState, RefundState};
use bojagi_kernel::{Clock, ManualClock};
use bojagi_store::{Error, Store, Tx};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::{Script, refuse};

#[derive(Clone)]
pub(crate) struct Payments(Arc<State>);

/// What payment knows of an order.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) state: PaymentState,
    pub(crate) total: i64,
    pub(crate) captures: u32,
    pub(crate) refunds: HashMap<String, i64>,
    /// What was asked under each key.
    pub(crate) asked: HashMap<String, payment::RefundRequest>,
    /// The refund that its provider has not answered yet.
    pub(crate) refunding: Option<(String, i64)>,
    pub(crate) allocations: Vec<LineAllocation>,
    pub(crate) decline: DeclineReason,
}

pub(crate) struct State {
    pub(crate) accounts: Mutex<HashMap<String, Account>>,
    pub(crate) authorize: Script,
    pub(crate) capture: Script,
    pub(crate) void: Script,
    pub(crate) refund: Script,
    /// The state that the next authorisations come to, instead of AUTHORIZED.
    pub(crate) authorizes_to: Mutex<Option<(PaymentState, DeclineReason)>>,
    /// The state that the next captures come to, instead of CAPTURED.
    pub(crate) captures_to: Mutex<Option<(PaymentState, DeclineReason)>>,
    /// The state that the next refunds come to, instead of SUCCEEDED.
    pub(crate) refunds_to: Mutex<Option<RefundState>>,
    pub(crate) store: Mutex<Option<Store>>,
    pub(crate) clock: Arc<ManualClock>,
}

impl std::ops::Deref for Payments {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Payments {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self(Arc::new(State {
            accounts: Mutex::default(),
            authorize: Script::default(),
            capture: Script::default(),
            void: Script::default(),
            refund: Script::default(),
            authorizes_to: Mutex::default(),
            captures_to: Mutex::default(),
            refunds_to: Mutex::default(),
            store: Mutex::default(),
            clock,
        }))
    }

    pub(crate) fn account(&self, order_id: &str) -> Option<Account> {
        self.accounts.lock().unwrap().get(order_id).cloned()
    }

    pub(crate) fn state(&self, order_id: &str) -> Option<PaymentState> {
        self.account(order_id).map(|account| account.state)
    }

    /// Money that is taken and not given back.
    pub(crate) fn kept(&self, order_id: &str) -> i64 {
        let Some(account) = self.account(order_id) else { return 0 };
        i64::from(account.captures) * account.total - account.refunds.values().sum::<i64>()
    }

    /// The provider's answer comes at last, and payment tells it.
    pub(crate) async fn provider_says(&self, order_id: &str, state: PaymentState) {
        let payment_id = {
            let mut accounts = self.accounts.lock().unwrap();
            let account = accounts.get_mut(order_id).unwrap();
            account.captures += u32::from(state == PaymentState::Captured);
            account.state = state;
            account.id
        };
        let (order_id, id) = (order_id.to_owned(), payment_id.to_string());
        match state {
            PaymentState::Captured => {
                self.tell(payment_id, payment::PaymentCaptured { payment_id: id, order_id, ..Default::default() })
                    .await;
            }
            PaymentState::Declined => {
                self.tell(payment_id, payment::PaymentDeclined { payment_id: id, order_id, ..Default::default() })
                    .await;
            }
            other => panic!("the provider does not say {other:?}"),
        }
    }

    /// The provider answers a refund at last, and payment tells that the money went back.
    pub(crate) async fn provider_gives_back(&self, order_id: &str) {
        let mut refund = None;
        let account = self.change(order_id, |account| {
            refund = account.refunding.take();
            account.refunds.extend(refund.clone());
            account.state = PaymentState::Refunded;
        });
        let fact = payment::PaymentRefunded {
            payment_id: account.id.to_string(),
            order_id: order_id.to_owned(),
            refund_id: refund.unwrap().0,
            refunded_at: Some(bojagi_chassis::wire::timestamp(self.clock.now())),
            ..Default::default()
        };
        self.tell(account.id, fact).await;
    }

    async fn tell<M: prost::Message + prost::Name + Clone + 'static>(&self, payment_id: Uuid, fact: M) {
        let (store, now) = (self.store.lock().unwrap().clone().unwrap(), self.clock.now());
        let tell = async |fact: M| -> Result<_, Error> {
            store.write(async move |tx: &mut Tx| bojagi_events::tell(tx, payment_id, &fact, now).await).await
        };
        // Its store may lose a connection too, and then nothing was told.
        while let Err(error) = tell(fact.clone()).await {
            assert!(!matches!(error, Error::OutcomeUnknown(_)), "{error}");
        }
    }

    fn change(&self, order_id: &str, change: impl FnOnce(&mut Account)) -> Account {
        let mut accounts = self.accounts.lock().unwrap();
        let account = accounts.entry(order_id.to_owned()).or_insert_with(|| Account {
            id: Uuid::now_v7(),
            state: PaymentState::Pending,
            total: 0,
            captures: 0,
            refunds: HashMap::new(),
            asked: HashMap::new(),
            refunding: None,
            allocations: Vec::new(),
            decline: DeclineReason::Unspecified,
        });
        change(account);
        account.clone()
    }

    fn shown(&self, order_id: &str, account: &Account) -> payment::Payment {
        let captured = account.captures > 0;
        payment::Payment {
            id: account.id.to_string(),
            order_id: order_id.to_owned(),
            state: account.state.into(),
            decline_reason: account.decline.into(),
            captured_at: captured.then(|| bojagi_chassis::wire::timestamp(self.clock.now())),
            ..Default::default()
        }
    }
}

macro_rules! never_asked {
    ($($method:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl PaymentService for Payments {
            async fn authorize(
                &self,
                request: Request<payment::AuthorizeRequest>,
            ) -> Result<Response<payment::AuthorizeResponse>, Status> {
                self.authorize.play(async || self.authorized(request.into_inner())).await
            }

            async fn capture(
                &self,
                request: Request<payment::CaptureRequest>,
            ) -> Result<Response<payment::CaptureResponse>, Status> {
                self.capture.play(async || self.captured(request.into_inner()).await).await
            }

            async fn void(
                &self,
                request: Request<payment::VoidRequest>,
            ) -> Result<Response<payment::VoidResponse>, Status> {
                self.void.play(async || self.voided(request.into_inner())).await
            }

            async fn refund(
                &self,
                request: Request<payment::RefundRequest>,
            ) -> Result<Response<payment::RefundResponse>, Status> {
                self.refund.play(async || self.refunded(request.into_inner())).await
            }

            $(async fn $method(&self, _: Request<payment::$request>) -> Result<Response<payment::$response>, Status> {
                Err(Status::unimplemented("order does not ask this"))
            })+
        }
    };
}

never_asked! {
    get_payment: GetPaymentRequest => GetPaymentResponse,
    list_payments: ListPaymentsRequest => ListPaymentsResponse,
    sync_payment: SyncPaymentRequest => SyncPaymentResponse,
    ingest_provider_event: IngestProviderEventRequest => IngestProviderEventResponse,
    get_captured_totals: GetCapturedTotalsRequest => GetCapturedTotalsResponse,
}

impl Payments {
    fn authorized(&self, request: payment::AuthorizeRequest) -> Result<Response<payment::AuthorizeResponse>, Status> {
        if self.state(&request.order_id) == Some(PaymentState::Voided) {
            return Err(refuse(Code::FailedPrecondition, "ORDER_ENDED"));
        }
        let (state, decline) =
            self.authorizes_to.lock().unwrap().unwrap_or((PaymentState::Authorized, DeclineReason::Unspecified));
        let account = self.change(&request.order_id, |account| {
            if account.state == PaymentState::Pending {
                account.total = request.total.map_or(0, |total| total.minor_units);
                (account.state, account.decline) = (state, decline);
            }
        });
        Ok(Response::new(payment::AuthorizeResponse { payment: Some(self.shown(&request.order_id, &account)) }))
    }

    async fn captured(&self, request: payment::CaptureRequest) -> Result<Response<payment::CaptureResponse>, Status> {
        match self.state(&request.order_id) {
            None => return Err(refuse(Code::NotFound, "PAYMENT_NOT_FOUND")),
            Some(PaymentState::Voided) => return Err(refuse(Code::FailedPrecondition, "ORDER_ENDED")),
            Some(_) => {}
        }
        let net: i64 = request.allocations.iter().map(|line| line.net.as_ref().unwrap().minor_units).sum();
        let (state, decline) =
            self.captures_to.lock().unwrap().unwrap_or((PaymentState::Captured, DeclineReason::Unspecified));
        let mut is_new = false;
        let account = self.change(&request.order_id, |account| {
            assert_eq!(net, account.total, "the allocations add up to the total");
            account.allocations = request.allocations.clone();
            if account.state == PaymentState::Authorized {
                (account.state, account.decline) = (state, decline);
                is_new = state == PaymentState::Captured;
                account.captures += u32::from(is_new);
            }
        });
        if is_new {
            let (payment_id, order_id) = (account.id.to_string(), request.order_id.clone());
            self.tell(account.id, payment::PaymentCaptured { payment_id, order_id, ..Default::default() }).await;
        }
        Ok(Response::new(payment::CaptureResponse { payment: Some(self.shown(&request.order_id, &account)) }))
    }

    fn voided(&self, request: payment::VoidRequest) -> Result<Response<payment::VoidResponse>, Status> {
        let account = self.change(&request.order_id, |account| {
            if matches!(account.state, PaymentState::Pending | PaymentState::Authorized) {
                account.state = PaymentState::Voided;
            }
        });
        let payment = Some(self.shown(&request.order_id, &account));
        Ok(Response::new(payment::VoidResponse { state: account.state.into(), payment }))
    }

    fn refunded(&self, request: payment::RefundRequest) -> Result<Response<payment::RefundResponse>, Status> {
        let amount = request.amount.clone().unwrap().minor_units;
        let state = self.refunds_to.lock().unwrap().unwrap_or(RefundState::Succeeded);
        let account = self.change(&request.order_id, |account| {
            assert!(account.captures > 0, "only captured money is asked back");
            let asked = account.asked.entry(request.refund_id.clone()).or_insert_with(|| request.clone());
            assert_eq!(*asked, request, "the same key asks for the same");
            let net: i64 = request.allocations.iter().map(|line| line.net.as_ref().unwrap().minor_units).sum();
            assert_eq!(net, amount, "the allocations add up to the amount");
            if state == RefundState::Succeeded {
                account.refunds.insert(request.refund_id.clone(), amount);
                let gone: i64 = account.refunds.values().sum();
                assert!(gone <= account.total, "no more is asked back than was captured");
                let all = gone == account.total;
                account.state = if all { PaymentState::Refunded } else { PaymentState::PartiallyRefunded };
            } else if state == RefundState::Pending {
                account.refunding = Some((request.refund_id.clone(), amount));
            }
        });
        let refund = payment::Refund {
            id: request.refund_id,
            state: state.into(),
            amount: request.amount,
            refunded_at: (state == RefundState::Succeeded).then(|| bojagi_chassis::wire::timestamp(self.clock.now())),
            ..Default::default()
        };
        let payment = Some(self.shown(&request.order_id, &account));
        Ok(Response::new(payment::RefundResponse { refund: Some(refund), payment }))
    }
}
