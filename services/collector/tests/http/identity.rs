//! Who may send what, and what an event says about its sender.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;

use access::{Credential, Credentials, Pattern, Proof, Quota, Role, Scope, Tenants, Token};
use collector::{Auth, Config};
use event::{Event, Timestamp, column};
use service::access::{AccessError, change, make_token};

use crate::world::{PATIENCE, RUN, World, wait_until};

/// A collector that wants tokens, and the file of them.
struct Guarded {
    world: World,
    file: PathBuf,
    _directory: tempfile::TempDir,
}

fn credential(name: &str, token: &Token, agents: &[&str]) -> Credential {
    let agents = agents.iter().map(|text| Pattern::parse(text).unwrap()).collect();
    Credential {
        name: name.to_owned(),
        role: Role::Emit,
        proof: Proof::Token(token.digest()),
        scope: Scope { agents, ..Scope::everything() },
        created_at: Timestamp::from_micros(1_790_000_000_000_000),
        expires_at: None,
        quota: Quota::default(),
    }
}

impl Guarded {
    fn new(config: Config, credentials: &[Credential]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("credentials.toml");
        let put = |all: &mut Credentials| {
            credentials.iter().cloned().for_each(|one| all.put(one));
            Ok::<_, AccessError>(())
        };
        change(&file, put).unwrap();
        let config = Config { auth: Auth::Token, credentials_file: file.clone(), ..config };
        Self { world: World::new(config), file, _directory: directory }
    }

    fn post(&self, token: &Token, body: &str) -> crate::world::Answer {
        let bearer = format!("Bearer {}", token.reveal());
        self.world.post(&[("authorization", &bearer)], body.as_bytes())
    }

    /// Status and challenge of a request with these lines in its head.
    fn raw(&self, lines: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.world.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = RUN.len();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{lines}\r\n{RUN}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.get(9..12).unwrap_or_default().to_owned();
        (status, answer)
    }
}

fn run_of(agent: &str) -> String {
    serde_json::json!({"kind": "run.completed", "agent_id": agent}).to_string()
}

fn identity<'e>(event: &'e Event<'_>) -> [Option<&'e str>; 4] {
    use column::actor;
    [actor::ID, actor::AUTHN, actor::EVIDENCE_LEVEL, actor::CREDENTIAL].map(|at| event.text(at))
}

fn attributes(event: &Event<'_>) -> Vec<(String, String)> {
    let pairs = event.map(column::ATTRIBUTES).iter();
    pairs.map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

const LIE: &str = r#"{"kind":"approval.decided","agent_id":"a",
    "actor":{"type":"human","id":"alice","authn":"oidc","evidence_level":"verified","credential":"cfo"},
    "approval":{"approver_id":"alice","approver_authn":"oidc","outcome":"approved"}}"#;

fn claimed(path: &str, value: &str) -> (String, String) {
    (format!("claimed.{path}"), value.to_owned())
}

#[test]
fn what_a_sender_claims_about_its_identity_is_kept_as_a_claim() {
    let world = World::new(Config::default());
    let dotted = r#"{"kind":"run.completed","agent_id":"a","actor.evidence_level":"verified",
        "attributes":{"claimed.actor.evidence_level":"mine"}}"#;
    let cloud = r#"{"specversion":"1.0","type":"run.completed","source":"/a","id":"1",
        "tenantid":"other","data":{"agent_id":"a","actor":{"evidence_level":"verified"}}}"#;
    for (body, accepted) in [(LIE, 1), (dotted, 1), (cloud, 1), (RUN, 1)] {
        assert_eq!(world.post(&[], body.as_bytes()).counts(), (accepted, 0), "{body}");
    }
    let published = world.published();
    let holds = |id| [id, Some("none"), Some("self_reported"), None];
    assert_eq!(identity(&published[0].1), holds(Some("alice")));
    assert_eq!(published[0].1.text(column::approval::APPROVER_AUTHN), Some("none"));
    assert_eq!(
        attributes(&published[0].1),
        [
            claimed("actor.authn", "oidc"),
            claimed("actor.credential", "cfo"),
            claimed("actor.evidence_level", "verified"),
            claimed("approval.approver_authn", "oidc"),
        ]
    );
    assert_eq!(identity(&published[1].1), holds(None));
    assert_eq!(
        attributes(&published[1].1),
        [
            ("claimed.actor.evidence_level".to_owned(), "mine".to_owned()),
            claimed("claimed.actor.evidence_level", "verified"),
        ]
    );
    assert_eq!(identity(&published[2].1), holds(None));
    assert_eq!(published[2].1.text(column::TENANT_ID), None);
    assert_eq!(identity(&published[3].1), holds(None));
    assert!(attributes(&published[3].1).is_empty());
    assert_eq!(published[3].1.get(column::approval::APPROVER_AUTHN), None);
}

#[test]
fn a_token_speaks_for_its_agents_only_and_is_named_in_their_events() {
    let (refunds, all) = (make_token().unwrap(), make_token().unwrap());
    let mut limited = credential("refunds", &refunds, &["refund-*", "caf\u{e9}"]);
    limited.scope.families = vec![Pattern::parse("run").unwrap()];
    let guarded = Guarded::new(Config::default(), &[limited, credential("all", &all, &["*"])]);
    // Versions of a victim that it never had: nobody but its own token may report them.
    let victim = r#"{"kind":"run.completed","agent_id":"victim","agent_version":"invented"}"#;
    let body = [
        victim.to_owned(),
        run_of("refund-7"),
        run_of("Refund-7"),
        run_of("refund"),
        run_of("cafe\u{301}"),
        run_of("caf\u{e9}"),
        r#"{"kind":"tool.called","agent_id":"refund-7"}"#.to_owned(),
        r#"{"kind":"x.y"}"#.to_owned(),
        r#"{"kind":"Run.completed","agent_id":"refund-7"}"#.to_owned(),
    ];
    let answer = guarded.post(&refunds, &body.join("\n"));
    let agent = |index| (index, "forbidden_agent", "/agent_id");
    let family = |index| (index, "forbidden_family", "/kind");
    assert_eq!((answer.status, answer.counts()), (207, (2, 7)));
    assert_eq!(
        answer.errors(),
        [agent(0), agent(2), agent(3), agent(4), family(6), agent(7), family(8)]
    );
    assert_eq!(guarded.post(&all, &body.join("\n")).counts(), (9, 0));
    let lie = guarded.post(&all, LIE);
    assert_eq!(lie.counts(), (1, 0));
    let published = guarded.world.published();
    assert_eq!(published.len(), 12);
    let holds = |id, name| [id, Some("token"), Some("self_reported"), Some(name)];
    assert_eq!(identity(&published[0].1), holds(None, "refunds"));
    assert_eq!(published[0].1.text(column::AGENT_ID), Some("refund-7"));
    assert_eq!(identity(&published[11].1), holds(Some("alice"), "all"));
    let (_, metrics) = guarded.world.get("/metrics");
    for reason in ["forbidden_agent", "forbidden_family"] {
        let series = format!("driftseal_collector_events_rejected_total{{reason=\"{reason}\"}}");
        assert!(metrics.contains(&series), "{metrics}");
    }
}

#[test]
fn the_tenant_is_that_of_the_token() {
    let (acme, own, any) = (make_token().unwrap(), make_token().unwrap(), make_token().unwrap());
    let with = |name: &str, token: &Token, tenants: Tenants| {
        let credential = credential(name, token, &["*"]);
        Credential { scope: Scope { tenants, ..Scope::everything() }, ..credential }
    };
    let config = Config { tenant_id: "home".into(), ..Config::default() };
    let guarded = Guarded::new(
        config,
        &[
            with("acme", &acme, Tenants::One("acme".into())),
            with("own", &own, Tenants::Own),
            with("any", &any, Tenants::Any),
        ],
    );
    let of = |tenant: &str| {
        format!(r#"{{"kind":"run.completed","agent_id":"a","tenant_id":"{tenant}"}}"#)
    };
    // A name within `attributes` or of a CloudEvent is an attribute, and no tenant.
    let aside = r#"{"kind":"run.completed","agent_id":"a","attributes":{"tenant_id":"other"}}"#;
    let cloud = r#"{"specversion":"1.0","type":"run.completed","source":"/a","id":"1",
        "tenant":"other","tenantid":"other","data":{"agent_id":"a"}}"#;
    for (token, body, expected) in [
        (&acme, RUN.to_owned(), Ok("acme")),
        (&acme, of(""), Ok("acme")),
        (&acme, of("acme"), Ok("acme")),
        (&acme, aside.to_owned(), Ok("acme")),
        (&acme, cloud.to_owned(), Ok("acme")),
        (&acme, cloud.replace("\"data\":{", "\"data\":{\"tenant_id\":\"other\","), Err(())),
        (&acme, of("other"), Err(())),
        (&acme, of("ACME"), Err(())),
        (&acme, of("acme "), Err(())),
        (&acme, of("home"), Err(())),
        (&own, RUN.to_owned(), Ok("home")),
        (&own, of("acme"), Err(())),
        (&any, of("acme"), Ok("acme")),
        (&any, RUN.to_owned(), Ok("home")),
    ] {
        let before = guarded.world.published().len();
        let answer = guarded.post(token, &body);
        let published = guarded.world.published();
        match expected {
            Ok(tenant) => {
                assert_eq!(answer.counts(), (1, 0), "{body}");
                assert_eq!(published[before].1.text(column::TENANT_ID), Some(tenant), "{body}");
            }
            Err(()) => {
                assert_eq!(answer.errors(), [(0, "forbidden_tenant", "/tenant_id")], "{body}");
                assert_eq!(published.len(), before);
            }
        }
    }
    // A member that repeats is a fault, so that nobody reads the one and checks the other.
    let twice = r#"{"kind":"run.completed","agent_id":"a","tenant_id":"acme","tenant_id":"other"}"#;
    assert_eq!(guarded.post(&acme, twice).counts(), (0, 1));
}

#[test]
fn who_shows_no_token_or_a_wrong_one_is_not_heard() {
    let (good, old, acts) = (make_token().unwrap(), make_token().unwrap(), make_token().unwrap());
    let expired = Credential {
        expires_at: Some(Timestamp::from_micros(1_790_000_000_000_001)),
        ..credential("old", &old, &["*"])
    };
    let actor = Credential { role: Role::Act, ..credential("acts", &acts, &["*"]) };
    let guarded =
        Guarded::new(Config::default(), &[credential("good", &good, &["*"]), expired, actor]);
    let line = |scheme: &str, token: &str| format!("authorization: {scheme} {token}\r\n");
    let (bearer, huge) = (line("bearer", good.reveal()), "x".repeat(500_000));
    assert_eq!(guarded.raw(&bearer).0, "200");
    for (lines, status, code) in [
        (String::new(), "401", "unauthenticated"),
        (line("Bearer", ""), "401", "unauthenticated"),
        (line("Basic", good.reveal()), "401", "unauthenticated"),
        (line("Token", good.reveal()), "401", "unauthenticated"),
        (line("Bearer", &good.reveal().to_uppercase()), "401", "unauthenticated"),
        (line("Bearer", good.reveal().get(..73).unwrap()), "401", "unauthenticated"),
        (line("Bearer", &format!("{}x", good.reveal())), "401", "unauthenticated"),
        (line("Bearer", &format!("{}\t", good.reveal())), "200", ""),
        (line("Bearer", &format!("{} {}", good.reveal(), good.reveal())), "401", "unauthenticated"),
        (format!("{bearer}{bearer}"), "401", "unauthenticated"),
        (format!("{bearer}{}", line("Basic", "x")), "401", "unauthenticated"),
        (format!("x-token: {}\r\n", good.reveal()), "401", "unauthenticated"),
        (line("Bearer", old.reveal()), "401", "expired"),
        (line("Bearer", acts.reveal()), "403", "wrong_role"),
        (line("Bearer", &"x".repeat(5_000)), "401", "unauthenticated"),
        (line("Bearer", &huge), "431", ""),
    ] {
        let (got, answer) = guarded.raw(&lines);
        let shown = lines.get(..lines.len().min(100)).unwrap();
        // A head that is too large may end the connection before the answer is read.
        assert!(got == status || (status == "431" && got.is_empty()), "{shown}: {answer}");
        assert!(answer.contains(code), "{shown}: {answer}");
        assert_eq!(answer.contains("www-authenticate: Bearer"), status == "401", "{answer}");
        for secret in [&good, &old, &acts] {
            assert!(!answer.contains(secret.reveal()), "{answer}");
        }
    }
    assert_eq!(guarded.world.published().len(), 2);
    assert_eq!(guarded.world.get("/healthz").0, 200, "probes show nothing");
    let (_, metrics) = guarded.world.get("/metrics");
    let series = "driftseal_collector_requests_rejected_total{reason=\"unauthenticated\"}";
    assert!(metrics.contains(series), "{metrics}");
}

#[test]
fn a_token_that_is_revoked_stops_working_while_the_collector_runs() {
    let (kept, gone) = (make_token().unwrap(), make_token().unwrap());
    let guarded = Guarded::new(
        Config::default(),
        &[credential("kept", &kept, &["*"]), credential("gone", &gone, &["*"])],
    );
    assert_eq!(guarded.post(&gone, RUN).status, 200);
    assert!(change(&guarded.file, |all| Ok::<_, AccessError>(all.remove("gone"))).unwrap());
    wait_until("it is revoked", || guarded.post(&gone, RUN).status == 401);
    assert_eq!(guarded.post(&kept, RUN).status, 200);
    std::fs::write(&guarded.file, "[kept").unwrap();
    wait_until("the broken file is seen", || {
        guarded.world.get("/metrics").1.contains("driftseal_access_file_broken{role=\"emit\"} 1")
    });
    assert_eq!(guarded.post(&kept, RUN).status, 200, "what was in force stays so");
    assert_eq!(guarded.post(&gone, RUN).status, 401);
}

#[test]
fn a_quota_that_is_used_up_is_answered_429_with_retry_after() {
    let (few, other) = (make_token().unwrap(), make_token().unwrap());
    let quota = Quota { events_per_day: Some(3), ..Quota::default() };
    let limited = Credential { quota, ..credential("few", &few, &["*"]) };
    let guarded = Guarded::new(Config::default(), &[limited, credential("other", &other, &["*"])]);
    assert_eq!(guarded.post(&few, &format!("{RUN}\n{RUN}")).status, 200);
    for body in [format!("{RUN}\n{RUN}"), format!("[{RUN},{RUN},{RUN}]")] {
        let refused = guarded.post(&few, &body);
        assert_eq!((refused.status, refused.code()), (429, "quota_exhausted"));
        assert!(refused.retry_after.unwrap().parse::<u64>().unwrap() >= 1);
    }
    assert_eq!(guarded.post(&few, RUN).status, 200, "what is left may be used");
    assert_eq!(guarded.post(&few, RUN).status, 429);
    assert_eq!(guarded.post(&other, RUN).status, 200, "another token has its own");
    assert_eq!(guarded.world.published().len(), 4);
}
