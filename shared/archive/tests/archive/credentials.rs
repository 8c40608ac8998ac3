//! Credentials for S3: what is said when there are none, and that secrets are never shown.

use archive::{Archive, Options};

use crate::runtime;

const SECRET: &str = "hunter2";

#[test]
fn an_archive_without_credentials_says_where_it_looked() {
    let runtime = runtime();
    let home = tempfile::tempdir().unwrap();
    let environment = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")];
    let options = Options {
        environment: environment.map(|(name, value)| (name.into(), value.into())).into(),
        home: Some(home.path().to_owned()),
        endpoint: "http://127.0.0.1:1".into(),
        allow_http: true,
        ..Options::default()
    };
    let archive = Archive::open_with("s3://bucket/x", &options, runtime.handle().clone()).unwrap();
    let error = archive.get("log/commit/0").unwrap_err();
    assert!(error.is_unavailable(), "the instance may answer later: {error}");
    for named in ["AWS_ACCESS_KEY_ID", ".aws/credentials", "AWS_PROFILE", "127.0.0.1:1"] {
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn no_secret_is_shown() {
    let runtime = runtime();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let text = "[default]\naws_access_key_id = A\naws_secret_access_key = hunter2\n\
                aws_session_token = hunter2\n";
    std::fs::write(home.path().join(".aws/credentials"), text).unwrap();
    let options = Options {
        home: Some(home.path().to_owned()),
        endpoint: "http://127.0.0.1:1".into(),
        allow_http: true,
        retries_max: 0,
        ..Options::default()
    };
    let archive = Archive::open_with("s3://bucket/x", &options, runtime.handle().clone()).unwrap();
    let error = archive.get("log/commit/0").unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    for shown in [format!("{archive:?}"), format!("{options:?}"), format!("{error:?} {error}")] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}
