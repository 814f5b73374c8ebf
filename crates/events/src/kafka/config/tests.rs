//! What is refused before a socket opens, and what librdkafka is told.

use super::*;

fn config(more: &str) -> KafkaConfig {
    let mut table: toml::Table = DEFAULTS.parse().unwrap();
    table.extend(more.parse::<toml::Table>().unwrap());
    table.try_into().unwrap()
}

#[test]
fn the_defaults_are_valid_and_stay_in_the_process() {
    assert_eq!(config("").check(), Vec::<String>::new());
    assert!(!config("").is_used());
}

#[test]
fn properties_reach_librdkafka_but_not_what_promises_rest_on() {
    let tuned = config("properties = ['linger.ms=20', ' compression.type = lz4 ']");
    assert_eq!(tuned.check(), Vec::<String>::new());
    assert_eq!(tuned.producer().get("linger.ms"), Some("20"));
    assert_eq!(tuned.producer().get("compression.type"), Some("lz4"));
    for refused in [
        "acks=1",
        "request.required.acks=1",
        "delivery.timeout.ms=1000",
        "metadata.broker.list=elsewhere:9092",
        "enable.auto.commit=true",
        "partition.assignment.strategy=range",
        "no.such.thing=1",
        "nonsense",
    ] {
        let mistakes = config(&format!("properties = ['{refused}']")).check();
        assert_eq!(mistakes.len(), 1, "{refused}");
    }
}

#[test]
fn a_member_with_a_name_is_static_except_under_the_new_protocol() {
    let named = config("instance = 'order-0'\nprefix = 'a.'");
    assert_eq!(named.consumer("item").get("group.instance.id"), Some("a.order-0.item"));
    assert_eq!(named.consumer("item").get("group.id"), Some("a.item"));
    assert_eq!(config("").consumer("item").get("group.instance.id"), None);
    let new = config("instance = 'order-0'\ngroup_protocol = 'consumer'");
    assert_eq!(new.consumer("item").get("group.instance.id"), None);
    assert_eq!(new.check(), Vec::<String>::new());
}

#[test]
fn sasl_plain_needs_no_tls_but_a_name_and_a_password() {
    let plain = "security = 'sasl_plaintext'\nusername = 'shop'\n";
    assert_eq!(config(plain).check().len(), 1);
    let complete = config(&format!("{plain}password = 'hush-hush'"));
    assert_eq!(complete.check(), Vec::<String>::new());
    assert!(!format!("{complete:?}").contains("hush-hush"));
}

#[test]
fn tls_and_scram_say_what_they_need() {
    let scram = "security = 'sasl_plaintext'\nsasl_mechanism = 'SCRAM-SHA-512'\nusername = 'a'\npassword = 'b'";
    for needs_tls in ["security = 'ssl'", scram] {
        let mistakes = config(needs_tls).check();
        assert_eq!(mistakes.is_empty(), cfg!(feature = "kafka-tls"), "{mistakes:?}");
    }
}
