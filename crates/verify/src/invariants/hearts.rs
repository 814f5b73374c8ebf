//! Hearts and follows are counted by people.

use super::{Part, Question};
use crate::Scope;

/// What item's store has since it keeps hearts and follows.
pub(super) const PART: Part = Part { store: "item", migration: "item-hearts-1", questions: QUESTIONS };

const QUESTIONS: &[Question] = &[
    Question {
        invariant: "N1",
        sentence: "each item shows as many hearts, each store as many followers, as customers have given it one",
        scope: Scope::AnyMoment,
        sql: "WITH
                hearts AS (SELECT item_id, count(DISTINCT customer_id) AS customers FROM item.heart GROUP BY item_id),
                follows AS (SELECT store_id, count(DISTINCT customer_id) AS customers FROM item.follow GROUP BY store_id)
              SELECT 'item', item_id, i.hearts, h.customers FROM item.item i FULL JOIN hearts h USING (item_id)
              WHERE coalesce(i.hearts, -1) <> coalesce(h.customers, 0)
              UNION ALL
              SELECT 'store', store_id, s.followers, f.customers FROM item.store s FULL JOIN follows f USING (store_id)
              WHERE coalesce(s.followers, -1) <> coalesce(f.customers, 0)",
    },
    Question {
        invariant: "N1",
        sentence: "no heart and no follow is left of a closed account, or of what was deleted",
        scope: Scope::AtRest,
        sql: concat!(
            "WITH closed AS ",
            closed_customers!(),
            " SELECT 'heart', h.item_id, h.customer_id FROM item.heart h JOIN item.item i USING (item_id)
              WHERE i.deleted_at IS NOT NULL OR h.customer_id IN (SELECT customer_id FROM closed)
              UNION ALL
              SELECT 'follow', f.store_id, f.customer_id FROM item.follow f JOIN item.store s USING (store_id)
              WHERE s.deleted_at IS NOT NULL OR f.customer_id IN (SELECT customer_id FROM closed)"
        ),
    },
];
