//! `bojagi reasons`: every reason for which calls are refused; `docs/reasons.md` is its output.

use std::process::ExitCode;

use bojagi_chassis::answer;

pub(super) fn run() -> ExitCode {
    print!("{}", table());
    ExitCode::SUCCESS
}

/// The reasons as a Markdown table.
fn table() -> String {
    let contexts = [
        bojagi_user::REASONS,
        bojagi_item::REASONS,
        bojagi_coupon::REASONS,
        bojagi_order::REASONS,
        bojagi_payment::REASONS,
        bojagi_settlement::REASONS,
    ];
    let mut text = String::from(
        "# Reasons\n\nEvery refusal carries a `google.rpc.ErrorInfo` with one of these reasons. Made by `bojagi reasons`; a \
         test keeps it up to date.\n\n| domain | reason | code | metadata | when |\n|---|---|---|---|---|\n",
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
