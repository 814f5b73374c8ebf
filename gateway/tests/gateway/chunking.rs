//! However a stream is cut into chunks, on the way in or out, the result is the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bojagi_gateway::GatewayService;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::support::answer::Answer;
use crate::support::client::{NATIVE, WEB, WEB_TEXT, call, call_in_chunks, decode_groups, request};
use crate::support::upstream::{Received, answering, careless, echo};
use crate::support::{frame, gateway, message};

const TALK: &str = "/shop.v1.Orders/Talk";

/// Cuts `body` into chunks of these sizes, empty ones included, and leaves the rest in one.
fn cut(body: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(body);
    let mut chunks: Vec<Bytes> = sizes.iter().map(|size| rest.split_to((*size).min(rest.len()))).collect();
    chunks.push(rest);
    chunks
}

/// Writes `bytes` as base64 in groups that are padded after each of these sizes.
fn text(bytes: &[u8], flushes: &[usize]) -> String {
    cut(bytes, flushes).iter().map(|part| STANDARD.encode(part)).collect()
}

/// A gateway whose upstream shows what it receives.
struct Rig {
    gateway: GatewayService,
    shown: UnboundedReceiver<Received>,
}

impl Rig {
    fn new() -> Self {
        let (upstream, shown) = answering(Answer::unary(b""));
        Self { gateway: gateway(upstream), shown }
    }

    /// What the upstream receives of a request in these chunks.
    fn received(&mut self, content_type: &str, chunks: Vec<Bytes>) -> Bytes {
        block_on(async {
            let reply = call_in_chunks(&self.gateway, request(content_type, TALK), chunks).await;
            assert_eq!(reply.code(), tonic::Code::Ok);
            self.shown.recv().await.unwrap().body.unwrap()
        })
    }
}

/// The body of an answer that the upstream gives in these chunks.
fn answered(content_type: &str, chunks: Vec<Bytes>) -> Bytes {
    block_on(async {
        let answer = chunks.into_iter().fold(Answer::grpc(), Answer::data).trailers(&[("grpc-status", "0")]);
        call(&gateway(careless(answer)), request(content_type, TALK), message(b"")).await.body
    })
}

/// What comes back of a request in these chunks from an upstream that returns what it gets.
fn echoed(gateway: &GatewayService, content_type: &str, chunks: Vec<Bytes>) -> Bytes {
    block_on(async { call_in_chunks(gateway, request(content_type, TALK), chunks).await.body })
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

#[test]
fn text_cut_at_every_two_positions() {
    let body = [message(b"hello"), message(b""), message(b"abc")].concat();
    let text = text(&body, &[6, 1]);
    let mut rig = Rig::new();
    for first in 0..=text.len() {
        for second in (first..=text.len()).step_by(3) {
            let chunks = cut(text.as_bytes(), &[first, second - first]);
            assert_eq!(rig.received(WEB_TEXT, chunks), body, "cut at {first} and {second}");
        }
    }
}

#[test]
fn a_request_cut_at_every_position() {
    let body = [message(b"hello"), message(b""), message(b"abc")].concat();
    let with_trailer = [&body[..], &frame(0x80, b"x-end: 1\r\n")].concat();
    let mut rig = Rig::new();
    for position in 0..=with_trailer.len() {
        assert_eq!(rig.received(WEB, cut(&with_trailer, &[position])), body, "binary, cut at {position}");
        assert_eq!(rig.received(NATIVE, cut(&body, &[position])), body, "native, cut at {position}");
    }
}

#[test]
fn an_answer_cut_at_every_position() {
    let body = [message(b"hello"), message(b""), message(b"abc")].concat();
    let whole = [&body[..], &frame(0x80, b"grpc-status:0\r\n")].concat();
    for position in 0..=body.len() {
        let chunks = cut(&body, &[position]);
        assert_eq!(answered(WEB, chunks.clone()), whole, "binary, cut at {position}");
        assert_eq!(decode_groups(&answered(WEB_TEXT, chunks)), whole, "text, cut at {position}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_chunking_of_a_request(
        payloads in vec((0u8..2, vec(any::<u8>(), 0..60)), 0..6),
        flushes in vec(1usize..40, 1..10),
        sizes in vec(0usize..30, 0..20),
        with_trailer: bool,
    ) {
        let body: Vec<u8> = payloads.iter().flat_map(|(flags, payload)| frame(*flags, payload)).collect();
        let mut rig = Rig::new();
        prop_assert_eq!(rig.received(NATIVE, cut(&body, &sizes)), body.clone());

        let mut web = body.clone();
        if with_trailer {
            web.extend(frame(0x80, b"x-end: 1\r\n"));
        }
        prop_assert_eq!(rig.received(WEB, cut(&web, &sizes)), body.clone());

        let text = text(&web, &flushes);
        prop_assert_eq!(rig.received(WEB_TEXT, cut(text.as_bytes(), &sizes)), body);
    }

    #[test]
    fn any_chunking_of_an_answer(
        payloads in vec((0u8..2, vec(any::<u8>(), 0..60)), 0..6),
        sizes in vec(0usize..30, 0..20),
    ) {
        let body: Vec<u8> = payloads.iter().flat_map(|(flags, payload)| frame(*flags, payload)).collect();
        let whole = [&body[..], &frame(0x80, b"grpc-status:0\r\n")].concat();
        prop_assert_eq!(answered(NATIVE, cut(&body, &sizes)), body.clone());
        prop_assert_eq!(answered(WEB, cut(&body, &sizes)), whole.clone());
        prop_assert_eq!(decode_groups(&answered(WEB_TEXT, cut(&body, &sizes))), whole);
    }

    #[test]
    fn any_chunking_there_and_back(
        payloads in vec((0u8..2, vec(any::<u8>(), 0..60)), 0..6),
        flushes in vec(1usize..40, 1..10),
        sizes in vec(0usize..30, 0..20),
    ) {
        let body: Vec<u8> = payloads.iter().flat_map(|(flags, payload)| frame(*flags, payload)).collect();
        let whole = [&body[..], &frame(0x80, b"grpc-status:0\r\n")].concat();
        let gateway = gateway(echo());
        prop_assert_eq!(echoed(&gateway, NATIVE, cut(&body, &sizes)), body.clone());
        prop_assert_eq!(echoed(&gateway, WEB, cut(&body, &sizes)), whole.clone());
        prop_assert_eq!(decode_groups(&echoed(&gateway, WEB_TEXT, cut(text(&body, &flushes).as_bytes(), &sizes))), whole);
    }

    #[test]
    fn no_bytes_break_the_gateway(
        chunks in vec(vec(any::<u8>(), 0..20), 0..10),
        content_type in prop::sample::select(vec![NATIVE, WEB, WEB_TEXT]),
    ) {
        let chunks: Vec<Bytes> = chunks.into_iter().map(Bytes::from).collect();
        let (sent, answer) = (chunks.clone(), chunks.into_iter().fold(Answer::grpc(), Answer::data));
        let reply = block_on(async {
            let (upstream, _received) = answering(answer);
            call_in_chunks(&gateway(upstream), request(content_type, TALK), sent).await
        });
        prop_assert_eq!(reply.status, 200);
        prop_assert_ne!(reply.code(), tonic::Code::Ok, "an answer without trailers is never OK");
    }
}
