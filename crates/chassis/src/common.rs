//! What every context refuses alike, whatever it is asked: domain `bojagi.common`.

bojagi_kernel::refusals! {
    /// What is refused before a use case begins.
    pub enum CommonRefusal in "common" {
        /// The method is for signed-in callers, and the call brought no token.
        TokenMissing => Unauthenticated "TOKEN_MISSING" ("sign in first"),
        /// The token is none of the shop's.
        TokenInvalid => Unauthenticated "TOKEN_INVALID" ("the access token is not valid"),
        /// The time of the token is over: refresh it.
        TokenExpired => Unauthenticated "TOKEN_EXPIRED" ("the access token has expired"),
        /// The session was ended, or the account suspended or closed.
        TokenRevoked => Unauthenticated "TOKEN_REVOKED" ("the access token was revoked"),
        /// The account has none of the roles that the method asks for.
        RoleRequired => Forbidden "ROLE_REQUIRED" ("your account does not have the role that this needs"),
        /// The method acts for an account, and a service has called it in its own name.
        AccountRequired => Forbidden "ACCOUNT_REQUIRED" ("this method acts for an account"),
        /// The method is for other services only.
        WorkloadRequired => Forbidden "WORKLOAD_REQUIRED" ("this method is not for callers from outside"),
        /// `grpc-timeout` cannot be read.
        MalformedTimeout => Invalid "MALFORMED_TIMEOUT" ("grpc-timeout is malformed"),
        /// The caller's time was over before there was an answer. What was asked for may have happened.
        DeadlineExceeded => TooLate "DEADLINE_EXCEEDED" ("the deadline has passed"),
        /// The `request_id` named another request before.
        IdempotencyKeyReused => Invalid "IDEMPOTENCY_KEY_REUSED"
            ("this request_id was used for a different request; use a new one"),
    }
}
