//! Carts and their lines. A cart is loaded whole, changed by its rules, and what has changed of it is stored; whoever does so
//! locks the customer.

mod rows;
mod schema;

use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Bind, Error, Tx, params};

use self::rows::{COLUMNS, LineRow, standing_columns};
use super::parts::each;
use crate::domain::{Cart, CartLine, CartPart};

pub(crate) use schema::MIGRATION;

pub(super) const LINES: &str = "FROM cart_line WHERE customer_id = ?1 ORDER BY cart_line_id";

/// The customer's cart with what is out of it for orders that are on their way.
pub(crate) async fn load(tx: &mut Tx, customer_id: AccountId) -> Result<Cart, Error> {
    let mut cart = load_as_kept(tx, customer_id).await?;
    settle(tx, &mut cart).await?;
    Ok(cart)
}

async fn load_as_kept(tx: &mut Tx, customer_id: AccountId) -> Result<Cart, Error> {
    let revision: Option<(i64,)> =
        tx.fetch_optional("SELECT revision FROM cart WHERE customer_id = ?1", params![customer_id]).await?;
    let Some((revision,)) = revision else { return Ok(Cart::default()) };
    let rows: Vec<LineRow> = tx.fetch_all(&format!("SELECT {COLUMNS} {LINES}"), params![customer_id]).await?;
    Ok(Cart { revision, kept: rows.into_iter().map(CartLine::try_from).collect::<Result<_, _>>()? })
}

/// A process of a version before carts may have driven an order to its end and left its lines where they were.
async fn settle(tx: &mut Tx, cart: &mut Cart) -> Result<(), Error> {
    let orders = cart.orders();
    if orders.is_empty() {
        return Ok(());
    }
    let ended: Vec<(OrderId, Option<Moment>)> = tx
        .fetch_many(
            "SELECT order_id, confirmed_at FROM orders WHERE order_id IN ({?1}) AND state <> 'PENDING'",
            &each(&orders),
        )
        .await?;
    for (order_id, confirmed_at) in ended {
        match confirmed_at {
            Some(_) => cart.forget(order_id),
            None => cart.bring_back(order_id),
        }
    }
    Ok(())
}

/// Changes a cart by its rules, and stores what has changed of it.
pub(crate) async fn change<T>(
    tx: &mut Tx,
    customer_id: AccountId,
    now: Moment,
    change: impl FnOnce(&mut Cart) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let before = load_as_kept(tx, customer_id).await?;
    let mut cart = before.clone();
    settle(tx, &mut cart).await?;
    let answer = change(&mut cart)?;
    save(tx, customer_id, &before, &cart, now).await?;
    Ok(answer)
}

/// Moves lines out of the cart and into an order that is being stored.
///
/// # Errors
/// `CART_CHANGED`.
pub(crate) async fn order(
    tx: &mut Tx,
    customer_id: AccountId,
    part: &CartPart,
    order_id: OrderId,
    now: Moment,
) -> Result<(), Failure> {
    change(tx, customer_id, now, |cart| Ok(cart.order(part, order_id)?)).await
}

/// Brings the lines of an order that fails back into the cart that they came from, if they came from one that is still there.
pub(super) async fn bring_back(
    tx: &mut Tx,
    customer_id: AccountId,
    order_id: OrderId,
    now: Moment,
) -> Result<(), Error> {
    let before = load_as_kept(tx, customer_id).await?;
    let mut cart = before.clone();
    cart.bring_back(order_id);
    save(tx, customer_id, &before, &cart, now).await
}

/// The lines of an order that is paid are nobody's any more.
pub(super) async fn forget(tx: &mut Tx, order_id: OrderId) -> Result<(), Error> {
    tx.send("DELETE FROM cart_line WHERE order_id = ?1", params![order_id]).await
}

/// The cart of an account that is closed, with what is out of it for orders.
pub(crate) async fn drop_of(tx: &mut Tx, customer_id: AccountId) -> Result<(), Error> {
    tx.send("DELETE FROM cart_line WHERE customer_id = ?1", params![customer_id]).await?;
    tx.send("DELETE FROM cart WHERE customer_id = ?1", params![customer_id]).await
}

async fn save(tx: &mut Tx, customer_id: AccountId, before: &Cart, cart: &Cart, now: Moment) -> Result<(), Error> {
    if before == cart {
        return Ok(());
    }
    tx.send(
        "INSERT INTO cart (customer_id, revision, changed_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (customer_id) DO UPDATE SET revision = excluded.revision, changed_at = excluded.changed_at",
        params![customer_id, cart.revision, now],
    )
    .await?;
    // Lines that go make room for those that come: an option is in a cart once.
    let gone = before.kept.iter().filter(|line| cart.kept.iter().all(|other| other.id != line.id));
    let gone: Vec<_> = gone.map(|line| vec![line.id.bind()]).collect();
    tx.send_many("DELETE FROM cart_line WHERE cart_line_id IN ({?1})", &gone).await?;
    for line in cart.kept.iter().filter(|line| !before.kept.contains(line)) {
        put(tx, customer_id, line).await?;
    }
    Ok(())
}

async fn put(tx: &mut Tx, customer_id: AccountId, line: &CartLine) -> Result<(), Error> {
    let (standing, pieces_left) = standing_columns(line.standing);
    let at = &line.whereabouts;
    tx.send(
        "INSERT INTO cart_line (cart_line_id, customer_id, option_id, order_id, quantity, currency, unit_price, item_id,
            store_id, item_name, option_name, store_name, standing, pieces_left, currency_before, price_before,
            price_changed_in, standing_changed_in)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
         ON CONFLICT (cart_line_id) DO UPDATE SET order_id = excluded.order_id, quantity = excluded.quantity,
            currency = excluded.currency, unit_price = excluded.unit_price, item_id = excluded.item_id,
            store_id = excluded.store_id, item_name = excluded.item_name, option_name = excluded.option_name,
            store_name = excluded.store_name, standing = excluded.standing, pieces_left = excluded.pieces_left,
            currency_before = excluded.currency_before, price_before = excluded.price_before,
            price_changed_in = excluded.price_changed_in, standing_changed_in = excluded.standing_changed_in",
        params![
            line.id,
            customer_id,
            line.option_id,
            line.order_id,
            line.quantity,
            line.unit_price.currency().code(),
            line.unit_price.minor(),
            at.item_id,
            at.store_id,
            at.item_name,
            at.option_name,
            at.store_name,
            standing,
            pieces_left,
            line.price_before.as_ref().map(|price| price.currency().code().to_owned()),
            line.price_before.map(|price| price.minor()),
            line.price_changed_in,
            line.standing_changed_in,
        ],
    )
    .await
}

#[cfg(test)]
mod tests {
    use bojagi_store::{Options, Store};
    use bojagi_testkit::{Explain, Rig};

    use super::*;
    use crate::MIGRATIONS;

    #[tokio::test]
    async fn carts_are_found_by_their_customer_and_lines_by_their_order() {
        let rig = Rig::new();
        let options = Options::at(rig.folder().join("plans.sqlite"));
        let store = Store::open(&options, MIGRATIONS, rig.clock.as_ref()).await.unwrap();
        let explain = Explain::on(&store);
        let walks = async move |tx: &mut Tx| -> Result<[String; 2], Error> {
            let (customer_id, order_id) = (AccountId::generate(), OrderId::generate());
            let of_customer = format!("SELECT {COLUMNS} {LINES}");
            let of_order = "SELECT cart_line_id FROM cart_line WHERE order_id = ?1";
            Ok([
                explain.plan(tx, &of_customer, params![customer_id]).await?,
                explain.plan(tx, of_order, params![order_id]).await?,
            ])
        };
        let [of_customer, of_order] = store.read(walks).await.unwrap();
        assert!(
            of_customer.contains("cart_line_of_customer (customer_id=?") && !of_customer.contains("TEMP B-TREE"),
            "{of_customer}"
        );
        assert!(of_order.contains("cart_line_of_order (order_id=?"), "{of_order}");
    }
}
