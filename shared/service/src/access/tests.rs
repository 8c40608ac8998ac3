//! The file while a server runs.

use ::access::{Credential, Proof, Scope};
use axum::http::HeaderValue;

use super::*;

fn credential(name: &str, token: &::access::Token) -> Credential {
    Credential {
        name: name.to_owned(),
        role: Role::Emit,
        proof: Proof::Token(token.digest()),
        scope: Scope::everything(),
        created_at: Timestamp::from_micros(1_790_000_000_000_000),
        expires_at: None,
        quota: Quota { events_per_day: Some(1), ..Quota::default() },
    }
}

fn shown(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

#[test]
fn the_file_is_followed_while_the_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(CREDENTIALS_FILE);
    let (one, two) = (make_token().unwrap(), make_token().unwrap());
    let put = |name: &str, token| {
        change(&path, |all| {
            all.put(credential(name, token));
            Ok::<_, AccessError>(())
        })
        .unwrap();
    };
    put("one", &one);
    let shutdown = Shutdown::new();
    let gate = Gate::watching(&path, Role::Emit, shutdown.clone()).unwrap();
    let principal = gate.authenticate(&shown(one.reveal())).unwrap();
    assert_eq!(principal.name(), Some("one"));
    assert_eq!(gate.authenticate(&shown(two.reveal())).unwrap_err(), Refusal::Unknown);
    assert!(!format!("{gate:?}").contains(one.reveal()));
    let until = |what: &str, condition: &dyn Fn() -> bool| {
        let watch = crate::clock::Stopwatch::start();
        while !condition() {
            assert!(!watch.has_passed(Duration::from_secs(30)), "waited in vain: {what}");
            std::thread::yield_now();
        }
    };
    put("two", &two);
    until("two is known", &|| gate.authenticate(&shown(two.reveal())).is_ok());
    assert!(change(&path, |all| Ok::<_, AccessError>(all.remove("one"))).unwrap());
    until("one is revoked", &|| gate.authenticate(&shown(one.reveal())).is_err());
    // A file that is wrong changes nothing.
    std::fs::write(&path, "[two]\nrole = \"emit\"").unwrap();
    let mut before = String::new();
    gate.look(&mut before);
    assert!(gate.authenticate(&shown(two.reveal())).is_ok());
    assert_eq!(before, "", "it is looked at again");
    assert!(change(&path, |_| Ok::<_, AccessError>(())).is_err(), "and is not written over");
    shutdown.trigger();
    let none = gate.authenticate(&HeaderMap::new()).unwrap_err();
    assert_eq!(none, Refusal::Missing);
    let mut twice = shown(two.reveal());
    twice.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    assert_eq!(gate.authenticate(&twice).unwrap_err(), Refusal::Malformed);
}

#[test]
fn a_quota_is_counted_for_each_credential() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(CREDENTIALS_FILE);
    let tokens = [make_token().unwrap(), make_token().unwrap()];
    for (name, token) in ["a", "b"].into_iter().zip(&tokens) {
        let put = |all: &mut Credentials| {
            all.put(credential(name, token));
            Ok::<_, AccessError>(())
        };
        change(&path, put).unwrap();
    }
    let gate = Gate::watching(&path, Role::Emit, Shutdown::new()).unwrap();
    for token in &tokens {
        let principal = gate.authenticate(&shown(token.reveal())).unwrap();
        assert_eq!(gate.take(&principal, (1, 9)), Ok(()));
        assert_eq!(gate.take(&principal, (1, 9)).unwrap_err().limit, "events_per_day");
    }
    let open = Gate::open_to_all();
    let anybody = open.authenticate(&HeaderMap::new()).unwrap();
    assert_eq!((anybody.name(), open.take(&anybody, (9, 9))), (None, Ok(())));
    let missing = Gate::watching(&directory.path().join("no"), Role::Emit, Shutdown::new());
    assert!(matches!(missing, Err(AccessError::File { .. })));
}
