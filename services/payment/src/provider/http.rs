//! A provider that is reached over HTTP.
//!
//! It speaks HTTP without TLS, to a provider in the same network or to an egress proxy that adds it. Whatever is not a
//! well-formed answer leaves the outcome unknown: money may have moved.

use bojagi_kernel::Failure;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::protocol::{self, InstructionBody, OutcomeBody, TokenBody, TokenKnownBody};
use super::{Instruction, Knowledge, Outcome, Provider, ProviderKey, ProviderToken};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The client of a provider. How long an answer may take is the business of whoever asks.
pub struct HttpProvider {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl HttpProvider {
    /// The provider at `url`, such as `http://127.0.0.1:9090`.
    ///
    /// # Errors
    /// When it is not an `http://` URL with a host.
    pub fn at(url: &str) -> Result<Self, Failure> {
        let base = url.trim_end_matches('/');
        let parsed: Option<Uri> = base.parse().ok();
        if parsed.is_none_or(|uri| uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty)) {
            return Err(Failure::broken(format!("{url:?} is not an http:// URL")));
        }
        Ok(Self { client: Client::builder(TokioExecutor::new()).build_http(), base: base.to_owned() })
    }

    /// Sends a request and reads the answer: its status, and its body when the status says that there is one.
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<(StatusCode, Option<T>), AnyError> {
        let sent = match body {
            Some(body) => serde_json::to_vec(body)?,
            None => Vec::new(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::from(sent))?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let received = Limited::new(response.into_body(), protocol::BODY_LIMIT).collect().await?.to_bytes();
        let read = if status == StatusCode::OK { Some(serde_json::from_slice(&received)?) } else { None };
        Ok((status, read))
    }
}

impl Provider for HttpProvider {
    fn perform<'a>(&'a self, instruction: &'a Instruction) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let body = InstructionBody::from(instruction);
            match self.call::<OutcomeBody>(Method::POST, protocol::OPERATIONS, Some(&body)).await {
                Ok((_, Some(outcome))) => outcome.into(),
                Ok((status, None)) => {
                    tracing::warn!(key = %instruction.key, %status, "the payment provider gave no outcome");
                    Outcome::Unknown
                }
                Err(error) => {
                    tracing::warn!(key = %instruction.key, error, "the payment provider did not answer");
                    Outcome::Unknown
                }
            }
        })
    }

    fn look_up<'a>(&'a self, key: &'a ProviderKey) -> BoxFuture<'a, Knowledge> {
        Box::pin(async move {
            let path = format!("{}/{key}", protocol::OPERATIONS);
            match self.call::<OutcomeBody>(Method::GET, &path, None::<&()>).await {
                Ok((_, Some(outcome))) => Knowledge::Known(outcome.into()),
                Ok((StatusCode::NOT_FOUND, None)) => Knowledge::NeverAsked,
                Ok((status, None)) => {
                    tracing::warn!(%key, %status, "the payment provider could not be asked about a key");
                    Knowledge::Unreachable
                }
                Err(error) => {
                    tracing::warn!(%key, error, "the payment provider could not be asked about a key");
                    Knowledge::Unreachable
                }
            }
        })
    }

    fn knows<'a>(&'a self, token: &'a ProviderToken) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(async move {
            let body = TokenBody { token: token.expose().to_owned() };
            match self.call::<TokenKnownBody>(Method::POST, protocol::TOKENS, Some(&body)).await {
                Ok((_, Some(answer))) => Ok(answer.known),
                Ok((status, None)) => Err(Failure::Unavailable(format!("the provider answered {status}").into())),
                Err(error) => Err(Failure::Unavailable(error)),
            }
        })
    }
}
