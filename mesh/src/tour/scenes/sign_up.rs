//! Five people join: a customer step by step, the others likewise.

use bojagi_api::options::Role;
use bojagi_api::user::{AccountKind, AccountState, GetMeRequest, SignInRequest};

use crate::people::{self, Member, Person};
use crate::tour::expect;
use crate::tour::timeline::{Timeline, Told};
use crate::tour::{Admin, Stage, TourError};

/// Everybody who plays a part.
pub(in crate::tour) struct Cast {
    /// Names this tour's people and things apart from those of others.
    pub(in crate::tour) tag: String,
    /// Buys.
    pub(in crate::tour) customer: Member,
    /// Wants the same, too late.
    pub(in crate::tour) rival: Member,
    /// Sell; the first one bakes, the second one binds books.
    pub(in crate::tour) sellers: [Member; 2],
    /// Runs the shop.
    pub(in crate::tour) admin: Member,
}

pub(in crate::tour) async fn play(stage: &Stage<'_>, timeline: &mut Timeline) -> Result<Cast, TourError> {
    timeline.scene("People join")?;
    let tag = format!("{:08x}", rand::random::<u32>());
    let customer = customer_joins(stage, &tag, timeline).await?;

    let others = async {
        let join = async |name: &str, kind| {
            people::join(&stage.gateway, &stage.mailbox, &person(name, kind, &tag)).await.map_err(TourError::from)
        };
        let (rival, baker, binder) = tokio::try_join!(
            join("Taeho Seo", AccountKind::Customer),
            join("Boram Yoon", AccountKind::Seller),
            join("Jisung Han", AccountKind::Seller),
        )?;
        for seller in [&baker, &binder] {
            expect::equal("a new seller is a seller", true, seller.has(Role::Seller))?;
            expect::equal("a new seller is an admin", false, seller.has(Role::Admin))?;
        }
        Ok(Told::new((rival, [baker, binder]), "all three are signed in; roles come from the server"))
    };
    let (rival, sellers) = timeline.step("another customer and two sellers join likewise", others).await?;
    let admin = admin_joins(stage, &tag, timeline).await?;
    Ok(Cast { tag, customer, rival, sellers, admin })
}

async fn customer_joins(stage: &Stage<'_>, tag: &str, timeline: &mut Timeline) -> Result<Member, TourError> {
    let Stage { gateway, mailbox, .. } = stage;
    let person = person("Mina Kang", AccountKind::Customer, tag);

    let signs_up = async {
        people::sign_up(gateway, &person).await?;
        Ok(Told::new((), "the answer says only that a mail is on its way"))
    };
    timeline.step(format!("{} signs up as {}", person.name, person.email), signs_up).await?;

    let too_early = async {
        let Person { email, password, .. } = person.clone();
        let request = SignInRequest { email, password, device_name: String::new() };
        let refused = expect::refused("EMAIL_NOT_VERIFIED", gateway.sessions().sign_in(request).await)?;
        Ok(Told::new((), format!("refused: {}", refused.reason)))
    };
    timeline.step("she tries to sign in before she has read her mail", too_early).await?;

    let verifies = async {
        let token = people::link_in_mail(mailbox, &person.email, 0).await?;
        people::verify_email(gateway, &token).await?;
        Ok(Told::new((), "the address is proved; the link is used up"))
    };
    timeline.step("she reads the mail and opens the link", verifies).await?;

    let signs_in = async {
        let member = people::sign_in(gateway, &person.email, &person.password).await?;
        let me = member.gateway.accounts().get_me(GetMeRequest {}).await?.into_inner();
        let account = expect::there("the account", me.account)?;
        expect::equal("the address of the account", person.email.as_str(), account.email.as_str())?;
        expect::equal("the state of the account", AccountState::Active, account.state())?;
        expect::equal("the roles of the account", vec![Role::Customer as i32], account.roles)?;
        Ok(Told::new(member, format!("account {}, a customer", account.account_id)))
    };
    timeline.step("she signs in and looks at her account", signs_in).await
}

async fn admin_joins(stage: &Stage<'_>, tag: &str, timeline: &mut Timeline) -> Result<Member, TourError> {
    let Stage { gateway, mailbox, admin } = stage;
    let signs_in = async {
        let (member, how) = match admin {
            Admin::SignsIn { email, password } => {
                (people::sign_in(gateway, email, password).await?, format!("{email} signs in"))
            }
            Admin::Granted(grant) => {
                let person = person("Areum Shin", AccountKind::Customer, tag);
                people::join(gateway, mailbox, &person).await?;
                grant(person.email.clone()).await.map_err(TourError::Grant)?;
                // A role is in the token that is issued after it was granted.
                let member = people::sign_in(gateway, &person.email, &person.password).await?;
                (member, "a new account, granted by the operator, signs in again".to_owned())
            }
        };
        expect::equal("the admin is an admin", true, member.has(Role::Admin))?;
        Ok(Told::new(member, how))
    };
    timeline.step("an admin comes", signs_in).await
}

fn person(name: &str, kind: AccountKind, tag: &str) -> Person {
    let nickname = name.split(' ').next().unwrap_or(name).to_lowercase();
    Person {
        email: format!("{nickname}-{tag}@tour.bojagi.example"),
        password: format!("{:032x}", rand::random::<u128>()),
        name: name.to_owned(),
        kind,
    }
}
