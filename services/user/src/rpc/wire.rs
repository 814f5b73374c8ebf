//! The domain's values as they are on the wire.

use bojagi_api::{options, policy, user};
use bojagi_chassis::Fields;
use bojagi_chassis::wire::timestamp;

use crate::domain::account::{Account, AccountKind, AccountState};
use crate::domain::address::Address;
use crate::sign_in::Tokens;
use crate::signing::{PublicKey, roles};
use crate::store::revocations::{Revocation, Voided};
use crate::store::sessions::Session;
use crate::watch_revocations::News;

pub(super) fn account(account: Account) -> user::Account {
    let roles = roles(account.standing).into_iter().map(|role| i32::from(role_on_the_wire(role))).collect();
    user::Account {
        account_id: account.account_id.to_string(),
        email: account.email.unwrap_or_default(),
        name: account.name,
        phone: account.phone,
        kind: match account.standing.kind {
            AccountKind::Customer => user::AccountKind::Customer,
            AccountKind::Seller => user::AccountKind::Seller,
        }
        .into(),
        roles,
        state: match account.state {
            AccountState::Unverified => user::AccountState::Unverified,
            AccountState::Active => user::AccountState::Active,
            AccountState::Dormant => user::AccountState::Dormant,
            AccountState::Suspended => user::AccountState::Suspended,
            AccountState::Closed => user::AccountState::Closed,
        }
        .into(),
        created_at: Some(timestamp(account.created_at)),
        last_used_at: account.last_used_at.map(timestamp),
        suspension_reason: account.suspension_reason,
    }
}

const fn role_on_the_wire(role: policy::Role) -> options::Role {
    match role {
        policy::Role::Customer => options::Role::Customer,
        policy::Role::Seller => options::Role::Seller,
        policy::Role::Admin => options::Role::Admin,
    }
}

/// The kind that a request names; `Some(None)` when it names none.
pub(super) fn read_kind(fields: &mut Fields, kind: i32) -> Option<Option<AccountKind>> {
    match user::AccountKind::try_from(kind) {
        Ok(user::AccountKind::Unspecified) => Some(None),
        Ok(user::AccountKind::Customer) => Some(Some(AccountKind::Customer)),
        Ok(user::AccountKind::Seller) => Some(Some(AccountKind::Seller)),
        Err(_) => {
            fields.wrong("kind", "is unknown");
            None
        }
    }
}

/// The state that a request names; `Some(None)` when it names none.
pub(super) fn read_state(fields: &mut Fields, state: i32) -> Option<Option<AccountState>> {
    Some(match user::AccountState::try_from(state) {
        Ok(user::AccountState::Unspecified) => None,
        Ok(user::AccountState::Unverified) => Some(AccountState::Unverified),
        Ok(user::AccountState::Active) => Some(AccountState::Active),
        Ok(user::AccountState::Dormant) => Some(AccountState::Dormant),
        Ok(user::AccountState::Suspended) => Some(AccountState::Suspended),
        Ok(user::AccountState::Closed) => Some(AccountState::Closed),
        Err(_) => {
            fields.wrong("state", "is unknown");
            return None;
        }
    })
}

pub(super) fn tokens(tokens: Tokens) -> user::SessionTokens {
    user::SessionTokens {
        session_id: tokens.session_id.to_string(),
        access_token: tokens.access.text,
        access_token_expires_at: Some(timestamp(tokens.access.expires_at)),
        refresh_token: tokens.refresh.reveal().to_owned(),
        refresh_token_expires_at: Some(timestamp(tokens.refresh_expires_at)),
    }
}

pub(super) fn session(session: Session, current: uuid::Uuid) -> user::Session {
    user::Session {
        session_id: session.session_id.to_string(),
        device_name: session.device_name,
        created_at: Some(timestamp(session.created_at)),
        last_used_at: Some(timestamp(session.last_used_at)),
        expires_at: Some(timestamp(session.expires_at)),
        current: session.session_id == current,
    }
}

/// A key as RFC 8037 writes it.
pub(super) fn json_web_key(key: PublicKey) -> user::JsonWebKey {
    user::JsonWebKey {
        kty: "OKP".to_owned(),
        kid: key.kid,
        alg: "EdDSA".to_owned(),
        r#use: "sig".to_owned(),
        crv: "Ed25519".to_owned(),
        x: key.x,
        y: String::new(),
    }
}

pub(super) fn news(news: News) -> user::WatchRevocationsResponse {
    use user::watch_revocations_response::Revocation as Wire;
    let (position, voided, expires_at) = match news {
        News::UpToDate(position) => (position, None, None),
        News::Revoked(Revocation { position, voided, expires_at }) => (position, Some(voided), Some(expires_at)),
    };
    let revocation = voided.map(|voided| match voided {
        Voided::Session(session_id) => Wire::SessionId(session_id.to_string()),
        Voided::Account { account_id, issued_before } => Wire::Account(user::AccountRevocation {
            account_id: account_id.to_string(),
            issued_before: Some(timestamp(issued_before)),
        }),
    });
    user::WatchRevocationsResponse { cursor: position.to_string(), revocation, expires_at: expires_at.map(timestamp) }
}

pub(super) fn address(address: Address) -> user::Address {
    user::Address {
        address_id: address.address_id.to_string(),
        label: address.text.label,
        recipient_name: address.text.recipient_name,
        phone: address.text.phone,
        postal_code: address.text.postal_code,
        line1: address.text.line1,
        line2: address.text.line2,
        is_default: address.is_default,
        created_at: Some(timestamp(address.created_at)),
    }
}
