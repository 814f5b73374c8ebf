use super::*;

const CONTRACT: &str = r#"
    syntax = "proto3";
    package plain.v1;
    message Nothing {}
    service Plain {
      rpc Read(Nothing) returns (Nothing) { option idempotency_level = NO_SIDE_EFFECTS; }
      rpc Write(Nothing) returns (Nothing);
      rpc Follow(Nothing) returns (stream Nothing);
    }
"#;

fn config(text: &str) -> PoliciesConfig {
    let mut table: toml::Table =
        "descriptor_set = \"\"\nserve_unlisted = false\ndefault_access = \"signed_in\"\nrules = []".parse().unwrap();
    table.extend(text.parse::<toml::Table>().unwrap());
    table.try_into().unwrap()
}

fn plain_set() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plain.proto"), CONTRACT).unwrap();
    let mut compiler = protox::Compiler::new([folder.path()]).unwrap();
    compiler.include_imports(true).open_files(["plain.proto"]).unwrap().encode_file_descriptor_set()
}

fn policy(path: &str, access: Access, streaming: Streaming, retry_safe: bool) -> MethodPolicy {
    MethodPolicy { path: path.to_owned(), access, streaming, retry_safe }
}

#[test]
fn contracts_without_our_option_have_the_default_and_the_rules() {
    let config = config(
        r#"
        [[rules]]
        prefix = "/plain.v1.Plain/Write"
        access = "roles"
        roles = ["seller"]
        [[rules]]
        prefix = "/plain.v1."
        access = "public"
        retry_safe = true
        "#,
    );
    assert_eq!(config.mistakes(), Vec::new());
    let policies = Policies::configured(&config, Some(&plain_set())).unwrap();
    let seller = Access::OneOf(vec!["seller".into()]);
    assert_eq!(
        policies.methods(),
        [
            policy("/plain.v1.Plain/Read", Access::Public, Streaming::Unary, true),
            policy("/plain.v1.Plain/Write", seller, Streaming::Unary, true),
            policy("/plain.v1.Plain/Follow", Access::Public, Streaming::Server, true),
        ]
    );
    assert!(policies.unlisted.is_none(), "what the descriptor set does not have is not served");

    let policies = Policies::configured(&super::tests::config(""), Some(&plain_set())).unwrap();
    let told: Vec<_> = policies.methods().iter().map(|policy| (&policy.access, policy.retry_safe)).collect();
    assert_eq!(told, [(&Access::SignedIn, true), (&Access::SignedIn, false), (&Access::SignedIn, false)]);
}

#[test]
fn without_a_descriptor_set_rules_say_all_that_is_known() {
    let config = config(
        r#"rules = [{prefix = "/a.", access = "internal"}, {prefix = "/a.B/", streaming = "unary"}, {prefix = "/c.", access = "public"}]"#,
    );
    let policies = Policies::configured(&config, None).unwrap();
    let rules = policies.unlisted.as_ref().unwrap();
    assert_eq!(rules.policy_of("/"), policy("/", Access::SignedIn, Streaming::Unknown, false));
    assert_eq!(rules.policy_of("/a.B/"), policy("/a.B/", Access::Internal, Streaming::Unary, false));
    assert_eq!(rules.policy_of("/c."), policy("/c.", Access::Public, Streaming::Unknown, false));

    let open = policies.without_tokens();
    let rules = open.unlisted.as_ref().unwrap();
    assert_eq!(rules.policy_of("/").access, Access::Public);
    assert_eq!(rules.policy_of("/a.").access, Access::Internal, "what is kept out stays out");
}

#[test]
fn rules_that_say_nothing_or_too_little_are_mistakes() {
    let config = config(
        r#"
        default_access = "roles"
        rules = [{prefix = "a."}, {prefix = "/b.", access = "roles"}, {prefix = "/b.", access = "public", roles = ["x"]}]
        "#,
    );
    let told: Vec<_> = config.mistakes().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "policies.default_access: cannot be roles, because it names none",
            "policies.rules[0].prefix: must begin with /",
            "policies.rules[0]: says nothing",
            "policies.rules[1].roles: belong to access = \"roles\", and are needed there",
            "policies.rules[2].prefix: is given twice",
            "policies.rules[2].roles: belong to access = \"roles\", and are needed there",
        ]
    );
}
