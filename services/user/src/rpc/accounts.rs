//! `AccountService`.

use std::sync::Arc;

use bojagi_api::user::account_service_server::AccountService;
use bojagi_api::user::{
    ChangePasswordRequest, ChangePasswordResponse, CloseAccountRequest, CloseAccountResponse, GetAccountRequest,
    GetAccountResponse, GetMeRequest, GetMeResponse, ListUsersRequest, ListUsersResponse, ReinstateUserRequest,
    ReinstateUserResponse, RequestPasswordResetRequest, RequestPasswordResetResponse, ResendVerificationRequest,
    ResendVerificationResponse, ResetPasswordRequest, ResetPasswordResponse, SignUpRequest, SignUpResponse,
    SuspendUserRequest, SuspendUserResponse, UpdateMeRequest, UpdateMeResponse, VerifyEmailRequest,
    VerifyEmailResponse,
};
use bojagi_chassis::{Caller, Fields, answer};
use bojagi_kernel::{Failure, Moment};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::read::{self, Mask};
use super::wire;
use crate::domain::account::{LONGEST_NAME, NewAccount};
use crate::domain::password::Password;
use crate::shared::Shared;
use crate::store::accounts::AccountFilter;
use crate::{NAME, administer, passwords, profile, sign_up};

/// Characters of the reason of a suspension at most.
const LONGEST_REASON: usize = 500;
/// Characters of a keyword at most.
const LONGEST_KEYWORD: usize = 100;

/// Accounts from sign-up to closing.
pub(crate) struct AccountRpc(pub(crate) Arc<Shared>);

#[tonic::async_trait]
impl AccountService for AccountRpc {
    async fn sign_up(&self, request: Request<SignUpRequest>) -> Result<Response<SignUpResponse>, Status> {
        let origin = read::origin(request.metadata());
        let asked = request.into_inner();
        answer::to(NAME, async {
            let (new, password) = read_sign_up(&asked)?;
            sign_up::sign_up(&self.0, &origin, new, password).await?;
            Ok(SignUpResponse {})
        })
        .await
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let Some(token) = read::token(&mut fields, "token", &asked.token) else { return Err(fields.refuse()) };
            let account_id = sign_up::verify_email(&self.0, token).await?;
            Ok(VerifyEmailResponse { account_id: account_id.to_string() })
        })
        .await
    }

    async fn resend_verification(
        &self,
        request: Request<ResendVerificationRequest>,
    ) -> Result<Response<ResendVerificationResponse>, Status> {
        let origin = read::origin(request.metadata());
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let Some(email) = read::email(&mut fields, &asked.email) else { return Err(fields.refuse()) };
            sign_up::resend_verification(&self.0, &origin, email).await?;
            Ok(ResendVerificationResponse {})
        })
        .await
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        let origin = read::origin(request.metadata());
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let Some(email) = read::email(&mut fields, &asked.email) else { return Err(fields.refuse()) };
            passwords::request_reset(&self.0, &origin, email).await?;
            Ok(RequestPasswordResetResponse {})
        })
        .await
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let token = read::token(&mut fields, "token", &asked.token);
            let password = read::new_password(&mut fields, "new_password", &asked.new_password);
            let (Some(token), Some(password)) = (token, password) else { return Err(fields.refuse()) };
            passwords::reset(&self.0, token, password).await?;
            Ok(ResetPasswordResponse {})
        })
        .await
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let current = read::password(&mut fields, "current_password", &asked.current_password);
            let new = read::new_password(&mut fields, "new_password", &asked.new_password);
            let (Some(current), Some(new)) = (current, new) else { return Err(fields.refuse()) };
            passwords::change(&self.0, caller.account()?, &current, new).await?;
            Ok(ChangePasswordResponse {})
        })
        .await
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<GetMeResponse>, Status> {
        let caller = Caller::of(&request);
        answer::to(NAME, async {
            let account = profile::get(&self.0, caller.account()?.account_id).await?;
            Ok(GetMeResponse { account: Some(wire::account(account)) })
        })
        .await
    }

    async fn get_account(&self, request: Request<GetAccountRequest>) -> Result<Response<GetAccountResponse>, Status> {
        let asked = request.into_inner();
        answer::to(NAME, async {
            let account_id = Fields::only_id(NAME, "account_id", &asked.account_id)?;
            let account = profile::get(&self.0, account_id).await?;
            Ok(GetAccountResponse { account: Some(wire::account(account)) })
        })
        .await
    }

    async fn update_me(&self, request: Request<UpdateMeRequest>) -> Result<Response<UpdateMeResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let mask = Mask::read(&mut fields, asked.update_mask.as_ref(), &["name", "phone"]);
            let name = mask.change("name", &asked.name, || fields.line("name", &asked.name, LONGEST_NAME));
            let phone = mask.change("phone", &asked.phone, || read::phone(&mut fields, "phone", &asked.phone));
            fields.finish()?;
            let account = profile::update(&self.0, caller.account()?, name, phone).await?;
            Ok(UpdateMeResponse { account: Some(wire::account(account)) })
        })
        .await
    }

    async fn close_account(
        &self,
        request: Request<CloseAccountRequest>,
    ) -> Result<Response<CloseAccountResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let password = read::password(&mut fields, "password", &asked.password);
            let Some(password) = password else { return Err(fields.refuse()) };
            profile::close(&self.0, caller.account()?, &password).await?;
            Ok(CloseAccountResponse {})
        })
        .await
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Result<Response<ListUsersResponse>, Status> {
        let asked = request.into_inner();
        answer::to(NAME, self.list(asked)).await
    }

    async fn suspend_user(
        &self,
        request: Request<SuspendUserRequest>,
    ) -> Result<Response<SuspendUserResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let account_id = fields.id("account_id", &asked.account_id);
            let reason = read_reason(&mut fields, &asked.reason);
            let (Some(account_id), Some(reason)) = (account_id, reason) else { return Err(fields.refuse()) };
            let account = administer::suspend(&self.0, caller.account()?, account_id, reason).await?;
            Ok(SuspendUserResponse { account: Some(wire::account(account)) })
        })
        .await
    }

    async fn reinstate_user(
        &self,
        request: Request<ReinstateUserRequest>,
    ) -> Result<Response<ReinstateUserResponse>, Status> {
        let asked = request.into_inner();
        answer::to(NAME, async {
            let account_id = Fields::only_id(NAME, "account_id", &asked.account_id)?;
            let account = administer::reinstate(&self.0, account_id).await?;
            Ok(ReinstateUserResponse { account: Some(wire::account(account)) })
        })
        .await
    }
}

impl AccountRpc {
    async fn list(&self, asked: ListUsersRequest) -> Result<ListUsersResponse, Failure> {
        let query = format!("ListUsers {} {} {:?}", asked.state, asked.kind, asked.keyword);
        let mut fields = Fields::new(NAME);
        let state = wire::read_state(&mut fields, asked.state);
        let kind = wire::read_kind(&mut fields, asked.kind);
        let keyword = fields.prose("keyword", asked.keyword.trim(), LONGEST_KEYWORD);
        let place = |(micros, id): (i64, [u8; 16])| Some((Moment::from_micros(micros), Uuid::from_bytes(id).into()));
        let page = fields.page(&self.0.pager, query, (asked.page_size, &asked.page_token), place);
        let (Some(state), Some(kind), Some(keyword), Some(page)) = (state, kind, keyword, page) else {
            return Err(fields.refuse());
        };
        let wanted = AccountFilter { state, kind, keyword: keyword.to_lowercase() };
        let mut accounts = administer::list(&self.0, wanted, page.after, page.limit()).await?;
        let next_page_token =
            page.cut(&mut accounts, |last| (last.created_at.micros(), last.account_id.as_uuid().into_bytes()));
        Ok(ListUsersResponse { accounts: accounts.into_iter().map(wire::account).collect(), next_page_token })
    }
}

fn read_sign_up(asked: &SignUpRequest) -> Result<(NewAccount, Password), Failure> {
    let mut fields = Fields::new(NAME);
    let email = read::email(&mut fields, &asked.email);
    let password = read::new_password(&mut fields, "password", &asked.password);
    let name = fields.line("name", &asked.name, LONGEST_NAME);
    let phone = read::phone(&mut fields, "phone", &asked.phone);
    let kind = wire::read_kind(&mut fields, asked.kind);
    if kind == Some(None) {
        fields.wrong("kind", "must be customer or seller");
    }
    let (Some(email), Some(password), Some(name), Some(phone), Some(Some(kind))) = (email, password, name, phone, kind)
    else {
        return Err(fields.refuse());
    };
    Ok((NewAccount { email, name, phone, kind }, password))
}

fn read_reason(fields: &mut Fields, text: &str) -> Option<String> {
    if text.trim().is_empty() {
        fields.wrong("reason", "must not be blank");
        return None;
    }
    fields.prose("reason", text.trim(), LONGEST_REASON)
}
