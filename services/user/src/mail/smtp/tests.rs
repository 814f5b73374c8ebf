use std::sync::Arc;

use bojagi_kernel::Moment;
use lettre::transport::smtp::client::{Certificate, CertificateStore};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// What a server was told, before it spoke TLS and then.
#[derive(Default)]
struct Heard {
    in_clear: Vec<String>,
    under_tls: Vec<String>,
}

impl Heard {
    /// Whether a line began with these words, in whichever part.
    fn has(lines: &[String], words: &str) -> bool {
        lines.iter().any(|line| line.starts_with(words))
    }
}

/// What a server offers.
#[derive(Clone, Copy, PartialEq)]
enum Offer {
    TlsFromTheStart,
    StartTls,
    NoTls,
}

/// A mail server that takes one connection.
struct Peer {
    certificate: Vec<u8>,
    port: u16,
    heard: JoinHandle<Heard>,
}

impl Peer {
    async fn start(offer: Offer) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let heard = tokio::spawn(async move { converse(listener.accept().await.unwrap().0, offer, acceptor).await });
        Self { certificate: cert.der().to_vec(), port, heard }
    }

    /// The server as somebody is configured for it who trusts nobody, or its certificate.
    fn as_configured(&self, encryption: Encryption, trusted: bool) -> Server {
        let mut authorities = TlsParameters::builder("127.0.0.1".to_owned()).certificate_store(CertificateStore::None);
        if trusted {
            authorities = authorities.add_root_certificate(Certificate::from_der(self.certificate.clone()).unwrap());
        }
        let config = Smtp {
            host: "127.0.0.1".into(),
            port: self.port,
            encryption,
            user: "shop".into(),
            password: "orange lamp 77".into(),
            ..crate::Config::default().smtp
        };
        Server::trusting(authorities, &config).unwrap()
    }

    async fn heard(self) -> Heard {
        self.heard.await.unwrap()
    }
}

/// Answers until the other side is gone.
async fn converse(client: TcpStream, offer: Offer, acceptor: TlsAcceptor) -> Heard {
    let mut heard = Heard::default();
    let mut client = BufReader::new(client);
    if offer != Offer::TlsFromTheStart {
        let capability = if offer == Offer::StartTls { "STARTTLS" } else { "AUTH PLAIN" };
        client.write_all(b"220 ready\r\n").await.unwrap();
        if !answer(&mut client, capability, &mut heard.in_clear).await {
            return heard;
        }
    }
    let Ok(client) = acceptor.accept(client.into_inner()).await else { return heard };
    let mut client = BufReader::new(client);
    if offer == Offer::TlsFromTheStart {
        client.write_all(b"220 ready\r\n").await.unwrap();
    }
    answer(&mut client, "AUTH PLAIN", &mut heard.under_tls).await;
    heard
}

/// Answers each line; says whether TLS is to begin.
async fn answer(
    client: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    capability: &str,
    heard: &mut Vec<String>,
) -> bool {
    let (mut line, mut in_message) = (String::new(), false);
    while client.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let words = std::mem::take(&mut line).trim_end().to_owned();
        let answer = match (in_message, words.split(' ').next().unwrap_or_default()) {
            (true, ".") => "250 taken\r\n".to_owned(),
            (true, _) => String::new(),
            (false, "EHLO") => format!("250-here\r\n250 {capability}\r\n"),
            (false, "STARTTLS") => "220 go on\r\n".to_owned(),
            (false, "AUTH") => "235 welcome\r\n".to_owned(),
            (false, "DATA") => "354 go on\r\n".to_owned(),
            (false, "QUIT") => "221 bye\r\n".to_owned(),
            (false, _) => "250 ok\r\n".to_owned(),
        };
        in_message = words == "DATA" || (in_message && words != ".");
        let begins_tls = words == "STARTTLS";
        heard.push(words);
        if client.write_all(answer.as_bytes()).await.is_err() || client.flush().await.is_err() {
            return false;
        }
        if begins_tls {
            return true;
        }
    }
    false
}

fn letter() -> Letter {
    Letter {
        mail_id: uuid::Uuid::nil(),
        from: "shop@example.com".into(),
        to: "mi.ja@example.com".into(),
        subject: "Verify your address".into(),
        body: "Hello,\n\nthere.\n".into(),
        written_at: Moment::from_micros(1_772_420_400_000_000),
    }
}

#[tokio::test]
async fn with_tls_credentials_and_mail_go_under_it() {
    for (encryption, offer) in [(Encryption::StartTls, Offer::StartTls), (Encryption::Tls, Offer::TlsFromTheStart)] {
        let peer = Peer::start(offer).await;
        peer.as_configured(encryption, true).send(letter()).await.unwrap();
        let Heard { in_clear, under_tls } = peer.heard().await;
        assert!(in_clear.iter().all(|line| line.starts_with("EHLO ") || line == "STARTTLS"), "{in_clear:?}");
        for words in ["AUTH PLAIN ", "MAIL FROM:<shop@example.com>", "RCPT TO:<mi.ja@example.com>", "Subject: "] {
            assert!(Heard::has(&under_tls, words), "{words} in {under_tls:?}");
        }
    }
}

#[tokio::test]
async fn a_server_whose_certificate_is_unknown_is_told_nothing() {
    for (encryption, offer) in [(Encryption::StartTls, Offer::StartTls), (Encryption::Tls, Offer::TlsFromTheStart)] {
        let peer = Peer::start(offer).await;
        let fault = peer.as_configured(encryption, false).send(letter()).await.unwrap_err();
        assert!(matches!(fault, MailFault::Server(_)), "{fault}");
        let Heard { in_clear, under_tls } = peer.heard().await;
        assert!(in_clear.iter().all(|line| line.starts_with("EHLO ") || line == "STARTTLS"), "{in_clear:?}");
        assert_eq!(under_tls, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_server_that_does_not_offer_tls_is_sent_no_password_and_no_mail() {
    let peer = Peer::start(Offer::NoTls).await;
    peer.as_configured(Encryption::StartTls, true).send(letter()).await.unwrap_err();
    let Heard { in_clear, .. } = peer.heard().await;
    assert!(Heard::has(&in_clear, "EHLO "));
    assert!(!Heard::has(&in_clear, "AUTH") && !Heard::has(&in_clear, "MAIL"), "{in_clear:?}");
}

#[tokio::test]
async fn a_server_that_goes_silent_is_waited_for_until_the_time_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Smtp { host: "127.0.0.1".into(), port, encryption: Encryption::None, ..crate::Config::default().smtp };
    let mut server = Server::new(&config).unwrap();
    server.timeout = Duration::from_millis(100);
    let sending = async { tokio::join!(server.send(letter()), listener.accept()) };
    let (sent, accepted) = tokio::time::timeout(Duration::from_secs(10), sending).await.unwrap();
    accepted.unwrap();
    assert!(matches!(sent, Err(MailFault::TimedOut(_))), "{sent:?}");
}
