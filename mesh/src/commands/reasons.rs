//! `bojagi reasons`: every reason for which calls are refused; `docs/reasons.md` is its output.

use std::process::ExitCode;

use bojagi_chassis::{CommonRefusal, answer};
use bojagi_kernel::Kind;
use bojagi_kernel::refusal::ReasonRow;
use bojagi_store::StoreRefusal;

/// What every context answers in its own name.
const OF_EVERY_CONTEXT: &[&[ReasonRow]] = &[&[
    ReasonRow {
        domain: "*",
        kind: Kind::Invalid,
        reason: "INVALID_ARGUMENT",
        metadata: &[],
        meaning: "Fields are wrong; the field violations beside it say which, and why.",
    },
    ReasonRow {
        domain: "*",
        kind: Kind::NotFound,
        reason: "PARKED_EVENT_NOT_FOUND",
        metadata: &[],
        meaning: "No such event was set aside by this context.",
    },
    ReasonRow {
        domain: "*",
        kind: Kind::Unavailable,
        reason: "UNAVAILABLE",
        metadata: &[],
        meaning: "Something that this needs does not answer at the moment; whether anything happened is open.",
    },
]];

pub(super) fn run() -> ExitCode {
    print!("{}", table());
    ExitCode::SUCCESS
}

/// The reasons as a Markdown table.
fn table() -> String {
    let contexts = [
        OF_EVERY_CONTEXT,
        &[CommonRefusal::REASONS, StoreRefusal::REASONS],
        bojagi_user::REASONS,
        bojagi_item::REASONS,
        bojagi_coupon::REASONS,
        bojagi_order::REASONS,
        bojagi_payment::REASONS,
        bojagi_settlement::REASONS,
    ];
    let mut text = String::from(
        "# Reasons\n\nEvery refusal carries a `google.rpc.ErrorInfo` with one of these reasons; `bojagi.*` stands for the \
         domain of the context that was called. What broke on our side is INTERNAL with the reason `INTERNAL`. The gateway's \
         own reasons are in its README. Made by `bojagi reasons`; a test keeps it up to date.\n\n| domain | reason | code | metadata | when |\n|---|---|---|---|---|\n",
    );
    for row in contexts.iter().flat_map(|tables| tables.iter()).flat_map(|table| table.iter()) {
        let metadata = row.metadata.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ");
        let code = format!("{:?}", answer::code(row.kind));
        text.push_str(&format!(
            "| bojagi.{} | `{}` | {code} | {metadata} | {} |\n",
            row.domain, row.reason, row.meaning
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documentation_is_up_to_date() {
        let written = include_str!("../../../docs/reasons.md");
        assert!(written == super::table(), "run: cargo run -- reasons > docs/reasons.md");
    }
}
