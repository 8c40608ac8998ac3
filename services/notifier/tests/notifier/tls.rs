//! HTTPS: a receiver is told if its certificate is of the authority that `SSL_CERT_FILE` names and
//! bears its name; else nothing is sent, and the outcome says why.

use event::kind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};

use crate::common::{Receiver, key, outcomes, publish, status, until};
use crate::kill::{child, open};

/// A certificate and its key.
struct Certified {
    certificate: X509,
    key: PKey<Private>,
}

fn named(name: &str) -> X509Name {
    let mut named = X509Name::builder().unwrap();
    named.append_entry_by_text("CN", name).unwrap();
    named.build()
}

/// What a certificate has in common with any other.
fn builder(name: &str, key: &PKey<Private>) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(u32::try_from(name.len()).unwrap()).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&named(name)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder
}

fn new_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2_048).unwrap()).unwrap()
}

impl Certified {
    fn authority(name: &str) -> Self {
        let key = new_key();
        let mut builder = builder(name, &key);
        builder.set_issuer_name(&named(name)).unwrap();
        let constraint = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(constraint).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    /// A certificate of this authority for an address.
    fn certify(&self, address: &str) -> Self {
        let key = new_key();
        let mut builder = builder("receiver", &key);
        builder.set_issuer_name(self.certificate.subject_name()).unwrap();
        let name = SubjectAlternativeName::new()
            .ip(address)
            .build(&builder.x509v3_context(Some(&self.certificate), None))
            .unwrap();
        builder.append_extension(name).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    fn write(&self, path: &Path) {
        std::fs::write(path, self.certificate.to_pem().unwrap()).unwrap();
    }

    /// A receiver that shows this certificate.
    fn receiver(&self) -> Receiver {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor.set_private_key(&self.key).unwrap();
        acceptor.set_certificate(&self.certificate).unwrap();
        let acceptor = Arc::new(acceptor.build());
        // Who does not trust it hangs up.
        Receiver::over("https", move |stream| acceptor.accept(stream).ok(), |_, _| status(200))
    }
}

#[test]
fn a_receiver_is_told_over_https_if_its_certificate_is_trusted_and_bears_its_name() {
    let (trusted, stranger) = (Certified::authority("ours"), Certified::authority("theirs"));
    for (what, certified, is_told) in [
        ("trusted", trusted.certify("127.0.0.1"), true),
        ("of another authority", stranger.certify("127.0.0.1"), false),
        ("of another name", trusted.certify("127.0.0.2"), false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("authority.pem");
        trusted.write(&authority);
        let log_path = directory.path().join("log");
        publish(&open(&log_path), "support", "a-1", "firing");
        let receiver = certified.receiver();
        let mut notifier =
            child(&log_path, &receiver.url).env("SSL_CERT_FILE", &authority).spawn().unwrap();
        // The log is the child's until it is gone; a receiver that is told can wait for that.
        if is_told {
            until("the request", || receiver.received().len() == 1);
        }
        // Longer each time: a busy machine must not kill it over and over before it is done.
        let (mut outcome, mut pause) = (None, Duration::from_millis(300));
        until("the outcome", || {
            std::thread::sleep(pause);
            pause *= 2;
            notifier.kill().unwrap();
            notifier.wait().unwrap();
            outcome = outcomes(&open(&log_path)).remove(&key("hook", "a-1", "firing"));
            if outcome.is_none() {
                let mut again = child(&log_path, &receiver.url);
                notifier = again.env("SSL_CERT_FILE", &authority).spawn().unwrap();
            }
            outcome.is_some()
        });
        let outcome = outcome.unwrap().remove(0);
        assert_eq!(receiver.received().is_empty(), !is_told, "{what}: {outcome:?}");
        if is_told {
            assert_eq!(
                (outcome.kind.as_str(), outcome.status_code),
                (kind::NOTIFICATION_DELIVERED, Some(200))
            );
        } else {
            assert_eq!(outcome.kind, kind::NOTIFICATION_FAILED, "{what}");
            let detail = outcome.detail.unwrap();
            assert!(detail.contains("certificate verify failed"), "{what}: {detail}");
        }
    }
}
