//! `AddressService`.

use std::sync::Arc;

use bojagi_api::user::address_service_server::AddressService;
use bojagi_api::user::{
    AddAddressRequest, AddAddressResponse, Address, ListAddressesRequest, ListAddressesResponse, RemoveAddressRequest,
    RemoveAddressResponse, SetDefaultAddressRequest, SetDefaultAddressResponse, UpdateAddressRequest,
    UpdateAddressResponse,
};
use bojagi_chassis::{Caller, Fields, answer, once};
use bojagi_kernel::id::RequestId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{LockKey, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::read::{self, Mask};
use super::wire;
use crate::domain::address::{
    AddressChange, AddressId, AddressText, LONGEST_LABEL, LONGEST_LINE, LONGEST_POSTAL_CODE, LONGEST_RECIPIENT,
};
use crate::shared::Shared;
use crate::{NAME, address_book};

/// The caller's own addresses.
pub(crate) struct AddressRpc(pub(crate) Arc<Shared>);

#[tonic::async_trait]
impl AddressService for AddressRpc {
    async fn add_address(&self, request: Request<AddAddressRequest>) -> Result<Response<AddAddressResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let (request_id, text) = read_new_address(&asked)?;
            let key = once::key(&caller, "AddAddress", request_id, &asked);
            let account_id = caller.account()?.account_id;
            let (now, limit) = (self.0.now(), i64::from(self.0.config.addresses_per_account));
            let make_default = asked.make_default;
            once::write_locking(&self.0.store, [LockKey::of(account_id)], key, now, async move |tx: &mut Tx| {
                let added = address_book::add(tx, account_id, text, make_default, limit, now).await?;
                Ok(AddAddressResponse { address: Some(wire::address(added)) })
            })
            .await
        })
        .await
    }

    async fn list_addresses(
        &self,
        request: Request<ListAddressesRequest>,
    ) -> Result<Response<ListAddressesResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, self.list(&caller, asked)).await
    }

    async fn update_address(
        &self,
        request: Request<UpdateAddressRequest>,
    ) -> Result<Response<UpdateAddressResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let (address_id, change) = read_change(&asked)?;
            let updated = address_book::update(&self.0, caller.account()?.account_id, address_id, change).await?;
            Ok(UpdateAddressResponse { address: Some(wire::address(updated)) })
        })
        .await
    }

    async fn remove_address(
        &self,
        request: Request<RemoveAddressRequest>,
    ) -> Result<Response<RemoveAddressResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let address_id = Fields::only_id(NAME, "address_id", &asked.address_id)?;
            address_book::remove(&self.0, caller.account()?.account_id, address_id).await?;
            Ok(RemoveAddressResponse {})
        })
        .await
    }

    async fn set_default_address(
        &self,
        request: Request<SetDefaultAddressRequest>,
    ) -> Result<Response<SetDefaultAddressResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = request.into_inner();
        answer::to(NAME, async {
            let address_id = Fields::only_id(NAME, "address_id", &asked.address_id)?;
            let address = address_book::set_default(&self.0, caller.account()?.account_id, address_id).await?;
            Ok(SetDefaultAddressResponse { address: Some(wire::address(address)) })
        })
        .await
    }
}

impl AddressRpc {
    async fn list(&self, caller: &Caller, asked: ListAddressesRequest) -> Result<ListAddressesResponse, Failure> {
        let account_id = caller.account()?.account_id;
        let mut fields = Fields::new(NAME);
        let place = |(is_default, micros, id): (bool, i64, [u8; 16])| {
            Some((is_default, Moment::from_micros(micros), AddressId::from(Uuid::from_bytes(id))))
        };
        let (pager, asked_for) = (&self.0.pager, (asked.page_size, asked.page_token.as_str()));
        let page = fields.page(pager, format!("ListAddresses {account_id}"), asked_for, place);
        let Some(page) = page else { return Err(fields.refuse()) };
        let mut addresses = address_book::list(&self.0, account_id, page.after, page.limit()).await?;
        let next_page_token = page.cut(&mut addresses, |last| {
            (last.is_default, last.created_at.micros(), last.address_id.as_uuid().into_bytes())
        });
        Ok(ListAddressesResponse { addresses: addresses.into_iter().map(wire::address).collect(), next_page_token })
    }
}

fn read_new_address(asked: &AddAddressRequest) -> Result<(RequestId, AddressText), Failure> {
    let mut fields = Fields::new(NAME);
    let request_id = fields.request_id(&asked.request_id);
    let Some(address) = &asked.address else {
        fields.wrong("address", "must be given");
        return Err(fields.refuse());
    };
    let parts = Parts { fields: &mut fields, address };
    let text = parts.all();
    let (Some(request_id), Some(text)) = (request_id, text) else { return Err(fields.refuse()) };
    Ok((request_id, text))
}

fn read_change(asked: &UpdateAddressRequest) -> Result<(AddressId, AddressChange), Failure> {
    const KNOWN: [&str; 6] = ["label", "recipient_name", "phone", "postal_code", "line1", "line2"];
    let mut fields = Fields::new(NAME);
    let mask = Mask::read(&mut fields, asked.update_mask.as_ref(), &KNOWN);
    let Some(address) = &asked.address else {
        fields.wrong("address", "must be given");
        return Err(fields.refuse());
    };
    let address_id = fields.id("address.address_id", &address.address_id);
    let mut parts = Parts { fields: &mut fields, address };
    let change = AddressChange {
        label: mask.change("label", &address.label, || parts.label()),
        recipient_name: mask.change("recipient_name", &address.recipient_name, || parts.recipient_name()),
        phone: mask.change("phone", &address.phone, || parts.phone()),
        postal_code: mask.change("postal_code", &address.postal_code, || parts.postal_code()),
        line1: mask.change("line1", &address.line1, || parts.line1()),
        line2: mask.change("line2", &address.line2, || parts.line2()),
    };
    let Some(address_id) = address_id else { return Err(fields.refuse()) };
    fields.finish()?;
    Ok((address_id, change))
}

/// Reads the parts of an address, each by its rule.
struct Parts<'a> {
    fields: &'a mut Fields,
    address: &'a Address,
}

impl Parts<'_> {
    fn all(mut self) -> Option<AddressText> {
        let (label, recipient_name, phone) = (self.label(), self.recipient_name(), self.phone());
        let (postal_code, line1, line2) = (self.postal_code(), self.line1(), self.line2());
        Some(AddressText {
            label: label?,
            recipient_name: recipient_name?,
            phone: phone?,
            postal_code: postal_code?,
            line1: line1?,
            line2: line2?,
        })
    }

    fn label(&mut self) -> Option<String> {
        read::optional_line(self.fields, "address.label", &self.address.label, LONGEST_LABEL)
    }

    fn recipient_name(&mut self) -> Option<String> {
        self.fields.line("address.recipient_name", &self.address.recipient_name, LONGEST_RECIPIENT)
    }

    fn phone(&mut self) -> Option<String> {
        read::phone(self.fields, "address.phone", &self.address.phone)
    }

    fn postal_code(&mut self) -> Option<String> {
        self.fields.line("address.postal_code", &self.address.postal_code, LONGEST_POSTAL_CODE)
    }

    fn line1(&mut self) -> Option<String> {
        self.fields.line("address.line1", &self.address.line1, LONGEST_LINE)
    }

    fn line2(&mut self) -> Option<String> {
        read::optional_line(self.fields, "address.line2", &self.address.line2, LONGEST_LINE)
    }
}
