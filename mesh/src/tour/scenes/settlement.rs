//! The day is closed, and the sellers are paid.

use bojagi_api::common::Money;
use bojagi_api::settlement::{
    CloseStatementsRequest, GetPayoutRequest, GetSellerBalanceRequest, GetStatementRequest, ListStatementsRequest,
    PayoutState, RequestSettlementRequest, SellerBalance, Statement, StatementEntry, StatementEntryKind,
    StatementState,
};
use prost_types::Timestamp;

use super::opening::COMMISSION_BPS;
use super::shopping::Bought;
use super::sign_up::Cast;
use crate::people::Member;
use crate::tour::TourError;
use crate::tour::arithmetic::{Earnings, Sums};
use crate::tour::expect;
use crate::tour::patience::until_as_expected;
use crate::tour::purchase::{Purchase, new_request_id};
use crate::tour::timeline::{Timeline, Told, krw};

/// What the day has brought a seller, in won.
struct Day {
    number: usize,
    gross: i64,
    refunds: i64,
    commission: i64,
    seller_discount: i64,
    platform_subsidy: i64,
    net: i64,
    captures: i64,
    refunded_lines: i64,
}

impl Day {
    /// One order that was delivered, and one that was paid and given back.
    fn of(number: usize, bought: &Purchase<'_>, cancelled: &Purchase<'_>) -> Self {
        let kept = bought.sales_of(number);
        let given_back = cancelled.sales_of(number);
        let sum = |amount: fn(&(Sums, Earnings)) -> i64| kept.iter().map(amount).sum::<i64>();
        let refunds = given_back.iter().map(|(sums, _)| sums.gross).sum::<i64>();
        Self {
            number,
            gross: sum(|(sums, _)| sums.gross) + refunds,
            refunds,
            commission: sum(|(_, earnings)| earnings.commission),
            seller_discount: sum(|(sums, _)| sums.seller_pays),
            platform_subsidy: sum(|(sums, _)| sums.platform_pays),
            net: sum(|(_, earnings)| earnings.net),
            captures: (kept.len() + given_back.len()) as i64,
            refunded_lines: given_back.len() as i64,
        }
    }
}

/// Answers the moment at which the day was closed.
pub(in crate::tour) async fn play(
    cast: &Cast,
    bought: &Bought<'_>,
    cancelled: &Purchase<'_>,
    timeline: &mut Timeline,
) -> Result<Timestamp, TourError> {
    timeline.scene("The day is closed and the sellers are paid")?;
    let days = [0, 1].map(|number| Day::of(number, &bought.purchase, cancelled));

    timeline.step("each seller looks at the balance", booked(cast, &days)).await?;
    let closed_at = timeline.step("the admin closes the day", close(&cast.admin)).await?;
    let statements = timeline.step("each seller reads the statement", read_statements(cast, &days)).await?;
    timeline.step("each seller asks for the settlement", settle(cast, &days, &statements)).await?;
    Ok(closed_at)
}

async fn booked(cast: &Cast, days: &[Day; 2]) -> Result<Told<()>, TourError> {
    for (seller, day) in cast.sellers.iter().zip(days) {
        until_as_expected(|| async {
            let balance = balance_of(seller).await?;
            // The daily close may have come in between; what is owed is the same.
            let owed = minor(balance.unsettled.as_ref()) + minor(balance.open_statements.as_ref());
            expect::equal("what the shop owes the seller, in KRW", day.net, owed)
        })
        .await?;
    }
    Ok(Told::new((), format!("{} and {} KRW, booked from what payment told", krw(days[0].net), krw(days[1].net))))
}

async fn close(admin: &Member) -> Result<Told<Timestamp>, TourError> {
    let request = CloseStatementsRequest { request_id: new_request_id(), cut_off: None };
    let answer = admin.gateway.settlements().close_statements(request).await?.into_inner();
    let closed_at = expect::there("the cut-off", answer.cut_off)?;
    Ok(Told::new(closed_at, format!("{} statements with {} entries", answer.statement_count, answer.entry_count)))
}

async fn read_statements(cast: &Cast, days: &[Day; 2]) -> Result<Told<Vec<Vec<Statement>>>, TourError> {
    let mut all = Vec::new();
    let mut story = Vec::new();
    for (seller, day) in cast.sellers.iter().zip(days) {
        let request = ListStatementsRequest { state: StatementState::Open.into(), ..ListStatementsRequest::default() };
        let statements = seller.gateway.settlements().list_statements(request).await?.into_inner().statements;
        check_statements(day, &statements)?;
        let mut entries = Vec::new();
        for statement in &statements {
            let request =
                GetStatementRequest { statement_id: statement.id.clone(), page_size: 100, page_token: String::new() };
            entries.extend(seller.gateway.settlements().get_statement(request).await?.into_inner().entries);
        }
        check_entries(day, &entries)?;
        let [sold, back, own, commission, net] =
            [day.gross, day.refunds, day.seller_discount, day.commission, day.net].map(krw);
        story.push(format!(
            "{sold} sold - {back} given back - {own} own discounts - {commission} commission = {net} KRW"
        ));
        all.push(statements);
    }
    Ok(Told::new(all, "every line is in it once, and every amount is right").and_all(story))
}

fn check_statements(day: &Day, statements: &[Statement]) -> Result<(), TourError> {
    let sum = |amount: fn(&Statement) -> Option<&Money>| {
        statements.iter().map(|statement| minor(amount(statement))).sum::<i64>()
    };
    let what = |part: &str| format!("the {part} of seller {}'s statements, in KRW", day.number);
    expect::equal(what("gross"), day.gross, sum(|statement| statement.gross.as_ref()))?;
    expect::equal(what("refunds"), day.refunds, sum(|statement| statement.refunds.as_ref()))?;
    expect::equal(what("commission"), day.commission, sum(|statement| statement.commission.as_ref()))?;
    let seller_discount = sum(|statement| statement.seller_discount.as_ref());
    expect::equal(what("own discounts"), day.seller_discount, seller_discount)?;
    let platform_subsidy = sum(|statement| statement.platform_subsidy.as_ref());
    expect::equal(what("platform's discounts"), day.platform_subsidy, platform_subsidy)?;
    expect::equal(what("net"), day.net, sum(|statement| statement.net.as_ref()))
}

fn check_entries(day: &Day, entries: &[StatementEntry]) -> Result<(), TourError> {
    let count = |kind| entries.iter().filter(|entry| entry.kind() == kind).count() as i64;
    expect::equal("the captures of the statement", day.captures, count(StatementEntryKind::Capture))?;
    expect::equal("the refunds of the statement", day.refunded_lines, count(StatementEntryKind::Refund))?;
    for entry in entries {
        expect::equal("the rate of an entry", COMMISSION_BPS[day.number], i64::from(entry.commission_rate_bps))?;
    }
    Ok(())
}

async fn settle(cast: &Cast, days: &[Day; 2], statements: &[Vec<Statement>]) -> Result<Told<()>, TourError> {
    let mut story = Vec::new();
    for ((seller, day), statements) in cast.sellers.iter().zip(days).zip(statements) {
        let dates = || statements.iter().map(|statement| statement.business_date.clone());
        let request = RequestSettlementRequest {
            request_id: new_request_id(),
            first_business_date: dates().min().unwrap_or_default(),
            last_business_date: dates().max().unwrap_or_default(),
        };
        let mut settlements = seller.gateway.settlements();
        let answer = settlements.request_settlement(request.clone()).await?.into_inner();
        let settlement = expect::only("the settlement", answer.settlements)?;
        expect::amount("the net of the settlement", day.net, settlement.statements_net.as_ref())?;
        let payout = expect::there("the payout", settlement.payout)?;
        expect::amount("the payout", day.net, payout.amount.as_ref())?;

        let again = RequestSettlementRequest { request_id: new_request_id(), ..request };
        expect::refused("NOTHING_TO_SETTLE", settlements.request_settlement(again).await)?;
        until_as_expected(|| async {
            let request = GetPayoutRequest { payout_id: payout.id.clone() };
            let answer = seller.gateway.settlements().get_payout(request).await?.into_inner();
            let now = expect::there("the payout", answer.payout)?;
            expect::equal("the state of the payout", PayoutState::Paid, now.state())
        })
        .await?;
        let balance = balance_of(seller).await?;
        expect::amount("what was paid out", day.net, balance.paid_out.as_ref())?;
        expect::amount("what is in open statements", 0, balance.open_statements.as_ref())?;
        expect::amount("what is in no statement", 0, balance.unsettled.as_ref())?;
        expect::amount("what is in transit", 0, balance.in_transit.as_ref())?;
        story.push(format!("payout {}: {} KRW, PAID", payout.id, krw(day.net)));
    }
    Ok(Told::new((), "asked once more, there is nothing left to settle").and_all(story))
}

async fn balance_of(seller: &Member) -> Result<SellerBalance, TourError> {
    let answer = seller.gateway.settlements().get_seller_balance(GetSellerBalanceRequest {}).await?.into_inner();
    expect::only("the balance", answer.balances)
}

fn minor(money: Option<&Money>) -> i64 {
    money.map_or(0, |money| money.minor_units)
}
