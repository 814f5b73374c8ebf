//! A rig with the user context in it, and people who use it.

use std::path::PathBuf;
use std::sync::Arc;

use bojagi_api::user::account_service_client::AccountServiceClient;
use bojagi_api::user::address_service_client::AddressServiceClient;
use bojagi_api::user::session_service_client::SessionServiceClient;
use bojagi_api::user::{
    Account, AccountKind, GetJwksRequest, RefreshSessionRequest, SessionTokens, SignInRequest, SignInResponse,
    SignUpRequest, VerifyEmailRequest,
};
use bojagi_chassis::tokens::{Verifier, follow};
use bojagi_testkit::{AccountChannel, Rig, eventually};
use bojagi_user::mailbox::{self, Mail};
use bojagi_user::{Config, Rate};
use tonic::{Request, Status};

pub(crate) const PASSWORD: &str = "orange lamp 77";

/// The context in a rig, with a mailbox in its folder.
pub(crate) struct Shop {
    pub(crate) rig: Rig,
    mailbox: PathBuf,
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) account: Account,
    pub(crate) tokens: SessionTokens,
}

/// Options for tests: cheap hashes, since most tests are not about their cost, and limits that are not in the way.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    (config.hashing.memory_kib, config.hashing.passes) = (64, 1);
    config.limits.mail_per_address = Rate { burst: 1000, every_seconds: 1 };
    config
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(config()).await
    }

    pub(crate) async fn open_with(config: Config) -> Self {
        Self::open_in(Rig::new(), config).await
    }

    /// Opens in a rig that may hold the data of an earlier shop.
    pub(crate) async fn open_in(rig: Rig, mut config: Config) -> Self {
        let mailbox = rig.folder().join("mailbox");
        config.mailbox_folder = mailbox.clone();
        let context = rig.context(bojagi_user::NAME, bojagi_user::MIGRATIONS).await;
        let service = bojagi_user::build(context, rig.channel(bojagi_user::NAME), config).await.unwrap();
        rig.start([(service, bojagi_user::TOPIC)]).await;
        let shop = Self { rig, mailbox };
        // The verifier of the rig's guard learns the keys at once, and follows them and the revocations from then on.
        let keys = shop.sessions().get_jwks(GetJwksRequest {}).await.unwrap().into_inner().keys;
        shop.rig.verifier.set_keys(keys.iter().map(|key| (key.kid.as_str(), key.x.as_str())));
        shop.follow(Arc::clone(&shop.rig.verifier));
        shop
    }

    /// Another process on the same store.
    pub(crate) async fn beside(&self, config: Config) -> Self {
        Self::open_in(self.rig.beside(), config).await
    }

    /// Ends without a goodbye and opens again on the same data.
    pub(crate) async fn crash(self) -> Self {
        Self::open_in(self.rig.crash().await, config()).await
    }

    fn follow(&self, verifier: Arc<Verifier>) {
        let (channel, stop) = (self.rig.workload("gateway"), self.rig.stop.clone());
        tokio::spawn(async move { follow(&verifier, channel, stop).await });
    }

    /// The verifier of another service, which follows user by itself.
    pub(crate) async fn another_verifier(&self, knows: &str) -> Arc<Verifier> {
        let verifier = Arc::new(Verifier::new(self.rig.clock.clone()));
        self.follow(Arc::clone(&verifier));
        eventually("the verifier has the keys", async || verifier.verify(knows).is_ok()).await;
        verifier
    }

    pub(crate) fn accounts(&self) -> AccountServiceClient<AccountChannel> {
        AccountServiceClient::new(self.rig.anonymous())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<AccountChannel> {
        SessionServiceClient::new(self.rig.anonymous())
    }

    fn with_token(&self, tokens: &SessionTokens) -> AccountChannel {
        let token = tokens.access_token.clone();
        self.rig.calling_with(move || Some(token.clone()))
    }

    pub(crate) fn accounts_of(&self, person: &Person) -> AccountServiceClient<AccountChannel> {
        AccountServiceClient::new(self.with_token(&person.tokens))
    }

    pub(crate) fn sessions_of(&self, person: &Person) -> SessionServiceClient<AccountChannel> {
        self.sessions_with(&person.tokens)
    }

    pub(crate) fn sessions_with(&self, tokens: &SessionTokens) -> SessionServiceClient<AccountChannel> {
        SessionServiceClient::new(self.with_token(tokens))
    }

    pub(crate) fn addresses_of(&self, person: &Person) -> AddressServiceClient<AccountChannel> {
        AddressServiceClient::new(self.with_token(&person.tokens))
    }

    /// Mails to an address that have left so far, the oldest first.
    pub(crate) fn mails_to(&self, email: &str) -> Vec<Mail> {
        let mut mails = mailbox::read(&self.mailbox).unwrap();
        mails.retain(|mail| mail.to == email);
        mails
    }

    /// Waits until so many mails went to an address, and answers the last.
    pub(crate) async fn mail_to(&self, email: &str, count: usize) -> Mail {
        eventually("the mail has come", async || self.mails_to(email).len() >= count).await;
        assert_eq!(self.mails_to(email).len(), count);
        self.mails_to(email).pop().unwrap()
    }

    /// Waits until no mail is on its way.
    pub(crate) async fn mails_have_left(&self) {
        eventually("no mail is on its way", async || self.count("SELECT count(*) FROM mail").await == 0).await;
    }

    /// A number out of the store.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let store = self.rig.store(bojagi_user::NAME);
        let (count,): (i64,) =
            store.read(async move |tx: &mut bojagi_store::Tx| tx.fetch_one(sql, &[]).await).await.unwrap();
        count
    }

    pub(crate) async fn sign_up(&self, email: &str, kind: AccountKind) {
        self.accounts().sign_up(sign_up_request(email, kind)).await.unwrap();
    }

    pub(crate) async fn verify(&self, mail: &Mail) -> Result<String, Status> {
        let token = mail.token.clone().unwrap();
        let answer = self.accounts().verify_email(VerifyEmailRequest { token }).await?;
        Ok(answer.into_inner().account_id)
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<Person, Status> {
        self.sign_in_from("192.0.2.1", email, password).await
    }

    pub(crate) async fn sign_in_from(&self, origin: &str, email: &str, password: &str) -> Result<Person, Status> {
        let request = SignInRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            device_name: "telephone".to_owned(),
        };
        let SignInResponse { tokens, account } = self.sessions().sign_in(from(origin, request)).await?.into_inner();
        Ok(Person { email: email.to_owned(), account: account.unwrap(), tokens: tokens.unwrap() })
    }

    /// Signs up, reads the mail, verifies and signs in.
    pub(crate) async fn newcomer(&self, email: &str, kind: AccountKind) -> Person {
        self.sign_up(email, kind).await;
        let mail = self.mail_to(email, 1).await;
        self.verify(&mail).await.unwrap();
        self.sign_in(email, PASSWORD).await.unwrap()
    }

    pub(crate) async fn customer(&self, email: &str) -> Person {
        self.newcomer(email, AccountKind::Customer).await
    }

    /// An admin who has signed in as one.
    pub(crate) async fn admin(&self) -> Person {
        let person = self.customer("admin@example.com").await;
        let store = self.rig.store(bojagi_user::NAME);
        bojagi_user::grant_admin(&store, self.rig.clock.as_ref(), &person.email).await.unwrap();
        self.sign_in(&person.email, PASSWORD).await.unwrap()
    }

    pub(crate) async fn refresh(&self, tokens: &SessionTokens) -> Result<SessionTokens, Status> {
        let request = RefreshSessionRequest { refresh_token: tokens.refresh_token.clone() };
        let answer = self.sessions().refresh_session(request).await?;
        Ok(answer.into_inner().tokens.unwrap())
    }
}

pub(crate) fn sign_up_request(email: &str, kind: AccountKind) -> SignUpRequest {
    SignUpRequest {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        name: "김미자".to_owned(),
        phone: "010-1234-5678".to_owned(),
        kind: kind.into(),
    }
}

/// A request that comes from an address.
pub(crate) fn from<T>(origin: &str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("x-forwarded-for", origin.parse().unwrap());
    request
}

/// What a refusal tells a caller, but for when to come back.
pub(crate) fn told(status: &Status) -> (tonic::Code, String, String) {
    (status.code(), bojagi_testkit::reason(status), status.message().to_owned())
}
