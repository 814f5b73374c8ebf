//! Who lives in the sample shop, and the list of their passwords.

use std::fmt;
use std::path::Path;

use rand::Rng;

use super::{DemoError, DemoFolder};

/// The letters of a password: none that look alike.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// What an account of the sample shop is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoRole {
    /// Runs the shop.
    Admin,
    /// Owns stores.
    Seller,
    /// Buys.
    Customer,
}

impl DemoRole {
    const ALL: [Self; 3] = [Self::Admin, Self::Seller, Self::Customer];

    const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Seller => "seller",
            Self::Customer => "customer",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

impl fmt::Display for DemoRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A person of the sample shop.
pub(super) struct Inhabitant {
    pub(super) role: DemoRole,
    pub(super) email: &'static str,
    pub(super) name: &'static str,
}

/// Everybody in the sample shop. Stores name their seller by the address.
pub(super) const INHABITANTS: &[Inhabitant] = &[
    Inhabitant { role: DemoRole::Admin, email: "admin@bojagi.example", name: "Shop admin" },
    Inhabitant { role: DemoRole::Seller, email: HANEUL, name: "Haneul Lee 이하늘" },
    Inhabitant { role: DemoRole::Seller, email: MINJUN, name: "Minjun Park 박민준" },
    Inhabitant { role: DemoRole::Seller, email: SEOYEON, name: "Seoyeon Choi 최서연" },
    Inhabitant { role: DemoRole::Customer, email: "jiwoo@bojagi.example", name: "Jiwoo Kim 김지우" },
    Inhabitant { role: DemoRole::Customer, email: "doyun@bojagi.example", name: "Doyun Jung 정도윤" },
];

pub(super) const HANEUL: &str = "haneul@bojagi.example";
pub(super) const MINJUN: &str = "minjun@bojagi.example";
pub(super) const SEOYEON: &str = "seoyeon@bojagi.example";

/// An account of the sample shop, with what it takes to sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct DemoAccount {
    /// What it is for.
    pub role: DemoRole,
    /// The address.
    pub email: String,
    /// The password, which was made for this data directory alone.
    pub password: String,
}

impl fmt::Debug for DemoAccount {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DemoAccount {{ {} {} }}", self.role, self.email)
    }
}

/// The accounts of the sample shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoAccounts(Vec<DemoAccount>);

impl DemoAccounts {
    /// All of them: admins, sellers, customers.
    #[must_use]
    pub fn list(&self) -> &[DemoAccount] {
        &self.0
    }

    /// The first one that has the role.
    #[must_use]
    pub fn first(&self, role: DemoRole) -> Option<&DemoAccount> {
        self.0.iter().find(|account| account.role == role)
    }

    /// Whether this is the address of an admin.
    pub(super) fn is_admin(&self, email: &str) -> bool {
        self.0.iter().any(|account| account.role == DemoRole::Admin && account.email == email)
    }

    /// The accounts of the sample shop in a data directory; none when there is none.
    ///
    /// # Errors
    /// When their list cannot be read.
    pub fn in_data(data: &Path) -> Result<Self, DemoError> {
        DemoFolder::in_data(data).accounts()
    }

    /// New passwords for everybody.
    pub(super) fn generate() -> Self {
        let account = |person: &Inhabitant| DemoAccount {
            role: person.role,
            email: person.email.to_owned(),
            password: password(),
        };
        Self(INHABITANTS.iter().map(account).collect())
    }

    /// Reads the list as [`to_text`](Self::to_text) writes it; lines of another form are passed over.
    pub(super) fn from_text(text: &str) -> Self {
        let account = |line: &str| {
            let mut columns = line.split_whitespace();
            let role = DemoRole::read(columns.next()?)?;
            Some(DemoAccount { role, email: columns.next()?.to_owned(), password: columns.next()?.to_owned() })
        };
        Self(text.lines().filter_map(account).collect())
    }

    /// The list, a line for each account.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::from(
            "# Accounts of the sample shop: role, address, password. Made for this data directory alone.\n",
        );
        for DemoAccount { role, email, password } in &self.0 {
            text.push_str(&format!("{role:<9} {email:<24} {password}\n"));
        }
        text
    }
}

/// Four groups of four letters: 79 bits.
fn password() -> String {
    let mut random = rand::rng();
    let mut group = || (0..4).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect::<String>();
    [group(), group(), group(), group()].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_survives_its_file() {
        let accounts = DemoAccounts::generate();
        assert_eq!(DemoAccounts::from_text(&accounts.to_text()), accounts);
        assert_eq!(accounts.list().len(), INHABITANTS.len());
    }

    #[test]
    fn passwords_are_made_anew_and_kept_out_of_logs() {
        let (one, other) = (DemoAccounts::generate(), DemoAccounts::generate());
        assert_ne!(one, other);
        let password = &one.list()[0].password;
        assert_eq!(password.len(), 19);
        assert!(!format!("{one:?}").contains(password));
    }
}
