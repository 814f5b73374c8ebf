//! What user refuses.

bojagi_kernel::refusals! {
    /// What user refuses.
    pub(crate) enum UserRefusal in "user" {
        /// No such account.
        AccountNotFound => NotFound "ACCOUNT_NOT_FOUND" ("there is no such account"),
        /// The account was closed by its owner, which is final.
        AccountClosed => WrongState "ACCOUNT_CLOSED" ("the account is closed"),
        /// Admins cannot shut themselves out.
        CannotSuspendSelf => WrongState "CANNOT_SUSPEND_SELF" ("this is your own account"),
        /// The link is unknown, used, replaced by a later one, or expired; which of these is not told.
        LinkInvalid => WrongState "LINK_INVALID" ("this link is not valid any more; ask for a new one"),
        /// The password that proves a wish of the account's owner is not the account's.
        WrongPassword => WrongState "WRONG_PASSWORD" ("the password is not right"),
        /// No account has this address with this password; which of the two is wrong is not told.
        BadCredentials => Unauthenticated "BAD_CREDENTIALS" ("the address or the password is not right"),
        /// The password is right, but the link in the mail was not used yet.
        EmailNotVerified => WrongState "EMAIL_NOT_VERIFIED" ("use the link in the mail that was sent to you first"),
        /// The password is right, but the account has not been used for a long time.
        AccountDormant => WrongState "ACCOUNT_DORMANT" ("verify your address again to go on"),
        /// The password is right, but an admin has shut the account out.
        AccountSuspended => WrongState "ACCOUNT_SUSPENDED" ("the account is suspended"),
        /// The refresh token is unknown, used or expired, or its session has ended; which of these is not told.
        RefreshTokenInvalid => Unauthenticated "REFRESH_TOKEN_INVALID" ("sign in again"),
        /// The caller has no such session.
        SessionNotFound => NotFound "SESSION_NOT_FOUND" ("there is no such session"),
        /// The caller has no such address.
        AddressNotFound => NotFound "ADDRESS_NOT_FOUND" ("there is no such address"),
        /// The caller's address book is full.
        AddressLimit { limit: i64 } => WrongState "ADDRESS_LIMIT" ("an account has at most {limit} addresses"),
        /// Too many attempts in a short time, by this caller or on this account; the answer says when to try again.
        TooManyAttempts => Exhausted "TOO_MANY_ATTEMPTS" ("too many attempts; try again later"),
        /// Too many passwords are waiting to be checked.
        Overloaded => Exhausted "OVERLOADED" ("too many sign-ins at once; try again shortly"),
    }
}
