//! Mails over SMTP, to a server that is a real peer on a socket.

use bojagi_api::user::AccountKind;
use bojagi_user::Encryption;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::net::tcp::OwnedReadHalf;

use crate::shop::{Shop, config};

/// Takes one mail and answers its envelope and message, line by line.
async fn take_one_mail(listener: TcpListener) -> Vec<String> {
    let (stream, _) = listener.accept().await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let mut lines: Lines<BufReader<OwnedReadHalf>> = BufReader::new(reader).lines();
    let mut taken = Vec::new();
    let mut in_message = false;
    writer.write_all(b"220 ready\r\n").await.unwrap();
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer = match (in_message, line.as_str()) {
            (true, ".") => "250 taken",
            (true, _) => "",
            (false, "DATA") => "354 go on",
            (false, "QUIT") => "221 bye",
            (false, _) => "250 ok",
        };
        in_message = line == "DATA" || (in_message && line != ".");
        taken.push(line);
        if !answer.is_empty() {
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
        if answer == "250 taken" {
            break;
        }
    }
    taken
}

#[tokio::test]
async fn a_mail_leaves_by_smtp_when_a_server_is_configured() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config();
    config.smtp.host = "127.0.0.1".into();
    config.smtp.port = listener.local_addr().unwrap().port();
    config.smtp.encryption = Encryption::None;
    config.smtp.from = "shop@example.com".into();
    let server = tokio::spawn(take_one_mail(listener));
    let shop = Shop::open_with(config).await;
    shop.sign_up("mi.ja@example.com", AccountKind::Customer).await;
    let taken = tokio::time::timeout(std::time::Duration::from_secs(20), server).await.unwrap().unwrap();
    shop.mails_have_left().await;

    assert!(taken.contains(&"MAIL FROM:<shop@example.com>".to_owned()), "{taken:?}");
    assert!(taken.contains(&"RCPT TO:<mi.ja@example.com>".to_owned()));
    assert!(taken.contains(&"Subject: Verify your address".to_owned()));
    assert!(taken.iter().any(|line| line.contains("/verify-email#token=")));
    assert!(shop.mails_to("mi.ja@example.com").is_empty());
}
