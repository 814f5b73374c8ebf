//! What can be configured; `config.default.toml` says what each option means and why it is as it is.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::allowance::Allowance;
use crate::domain::email::EmailAddress;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// How long an access token may hold at most, in minutes.
pub(crate) const LONGEST_ACCESS_TOKEN_MINUTES: u32 = 60;

/// The options of the user context.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long an access token holds, in minutes.
    pub access_token_minutes: u32,
    /// How long a refresh token holds, in days.
    pub refresh_token_days: u32,
    /// How long a link in a mail holds, in minutes.
    pub link_minutes: u32,
    /// How long a key signs, in days.
    pub signing_key_days: u32,
    /// How long before its first signature a key is published, in minutes.
    pub signing_key_ahead_minutes: u32,
    /// After how many days without use an account becomes dormant.
    pub dormancy_days: u32,
    /// The hour of the shop's day at which accounts become dormant.
    pub dormancy_hour: i8,
    /// Sessions of an account at once.
    pub sessions_per_account: u32,
    /// Addresses of an account at most.
    pub addresses_per_account: u32,
    /// Where the links in mails lead.
    pub link_base_url: String,
    /// The folder that takes the mails while no SMTP server is configured; empty for the one in the data directory.
    pub mailbox_folder: PathBuf,
    /// How passwords are hashed.
    pub hashing: Hashing,
    /// The server that mails leave by.
    pub smtp: Smtp,
    /// How often something may be tried.
    pub limits: Limits,
}

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hashing {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Hashes at once.
    pub parallel: u32,
    /// Callers that may wait for their turn.
    pub waiting: u32,
}

/// The server that mails leave by.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name; empty when there is none.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// The user name; empty to send no credentials.
    pub user: String,
    /// The password.
    pub password: String,
    /// The sender.
    pub from: String,
    /// How long one delivery may take, in seconds.
    pub timeout_seconds: u32,
}

impl fmt::Debug for Smtp {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, encryption, .. } = self;
        write!(f, "Smtp {{ {host}:{port}, {encryption:?}, credentials redacted }}")
    }
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// TLS after a greeting in the clear; refused when the server cannot.
    StartTls,
    /// TLS from the start.
    Tls,
    /// None: for a server on the same machine.
    None,
}

/// How often something may be tried.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Failing sign-ins from one origin.
    pub sign_in_per_origin: Rate,
    /// Failing sign-ins from one origin on one account.
    pub sign_in_per_origin_and_account: Rate,
    /// Failing sign-ins on one account before each origin has only one attempt at a time.
    pub sign_in_per_account: Rate,
    /// Sign-ups and wishes for a link from one origin.
    pub mail_per_origin: Rate,
    /// Sign-ups of one address and wishes for a link to it from one origin.
    pub mail_per_origin_and_address: Rate,
    /// Mails of one occasion to one address.
    pub mail_per_address: Rate,
    /// Wrong passwords of a signed-in caller.
    pub password_per_session: Rate,
}

/// `burst` times at once, then once every `every_seconds`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How often at once.
    pub burst: u32,
    /// Seconds until there is one more.
    pub every_seconds: u32,
}

impl Rate {
    pub(crate) const fn allowance(self) -> Allowance {
        Allowance { burst: self.burst, every: Duration::from_secs(self.every_seconds as u64) }
    }
}

impl Default for Config {
    #[allow(clippy::expect_used, reason = "the defaults are part of the program, and a test reads them")]
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("config.default.toml holds every option")
    }
}

impl Config {
    /// Everything that is wrong with the options, each as `option: what is wrong`.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut range = |name: &str, value: u32, allowed: RangeInclusive<u32>| {
            if !allowed.contains(&value) {
                wrong.push(format!("{name}: must be {} to {}, not {value}", allowed.start(), allowed.end()));
            }
        };
        range("access_token_minutes", self.access_token_minutes, 1..=LONGEST_ACCESS_TOKEN_MINUTES);
        range("refresh_token_days", self.refresh_token_days, 1..=90);
        range("link_minutes", self.link_minutes, 5..=1440);
        range("signing_key_days", self.signing_key_days, 1..=365);
        range("signing_key_ahead_minutes", self.signing_key_ahead_minutes, 10..=1440);
        range("dormancy_days", self.dormancy_days, self.refresh_token_days.max(29) + 1..=36_500);
        range("sessions_per_account", self.sessions_per_account, 1..=1000);
        range("addresses_per_account", self.addresses_per_account, 1..=1000);
        range("hashing.memory_kib", self.hashing.memory_kib, 19_456..=1_048_576);
        range("hashing.passes", self.hashing.passes, 2..=10);
        range("hashing.parallel", self.hashing.parallel, 1..=64);
        range("hashing.waiting", self.hashing.waiting, 1..=10_000);
        range("smtp.timeout_seconds", self.smtp.timeout_seconds, 1..=300);
        for (name, rate) in self.limits.named() {
            range(&format!("limits.{name}.burst"), rate.burst, 1..=1_000_000);
            range(&format!("limits.{name}.every_seconds"), rate.every_seconds, 1..=86_400);
        }
        if !(0..24).contains(&self.dormancy_hour) {
            wrong.push(format!("dormancy_hour: must be 0 to 23, not {}", self.dormancy_hour));
        }
        let is_web = ["http://", "https://"].iter().any(|scheme| self.link_base_url.starts_with(scheme));
        if !is_web || self.link_base_url.ends_with('/') {
            wrong.push("link_base_url: must begin with http:// or https:// and not end with a slash".to_owned());
        }
        if self.smtp.encryption == Encryption::None && !self.smtp.user.is_empty() {
            wrong.push(
                "smtp.user: must be empty with smtp.encryption \"none\", which would show the password".to_owned(),
            );
        }
        if self.smtp.from.parse::<EmailAddress>().is_err() {
            wrong.push("smtp.from: must be an e-mail address".to_owned());
        }
        wrong
    }

    pub(crate) fn access_token_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.access_token_minutes) * 60)
    }

    pub(crate) fn refresh_token_life(&self) -> Duration {
        days(self.refresh_token_days)
    }

    pub(crate) fn link_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.link_minutes) * 60)
    }

    pub(crate) fn unused_before_dormant(&self) -> Duration {
        days(self.dormancy_days)
    }
}

impl Limits {
    const fn named(&self) -> [(&'static str, Rate); 7] {
        [
            ("sign_in_per_origin", self.sign_in_per_origin),
            ("sign_in_per_origin_and_account", self.sign_in_per_origin_and_account),
            ("sign_in_per_account", self.sign_in_per_account),
            ("mail_per_origin", self.mail_per_origin),
            ("mail_per_origin_and_address", self.mail_per_origin_and_address),
            ("mail_per_address", self.mail_per_address),
            ("password_per_session", self.password_per_session),
        ]
    }
}

pub(crate) fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 24 * 60 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_right() {
        assert_eq!(Config::default().check(), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_named() {
        let mut config = Config { access_token_minutes: 0, dormancy_days: 5, dormancy_hour: 24, ..Config::default() };
        config.hashing.memory_kib = 1024;
        config.limits.mail_per_address.burst = 0;
        config.smtp.from = "shop".into();
        (config.smtp.encryption, config.smtp.user) = (Encryption::None, "shop".into());
        let wrong = config.check();
        for name in [
            "access_token_minutes",
            "dormancy_days",
            "dormancy_hour",
            "hashing.memory_kib",
            "limits.mail_per_address.burst",
            "smtp.from",
            "smtp.user",
        ] {
            assert!(wrong.iter().any(|mistake| mistake.starts_with(name)), "{name} in {wrong:?}");
        }
        assert_eq!(wrong.len(), 7);
    }

    #[test]
    fn the_password_of_the_mail_server_is_not_printed() {
        let mut config = Config::default();
        config.smtp.password = "orange lamp 77".into();
        assert!(!format!("{config:?}").contains("lamp"));
    }
}
