use super::*;

const SECRET: &str = "hunter2";

/// A home directory with these shared files, and an environment.
struct Home(tempfile::TempDir);

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        for (name, text) in files {
            std::fs::write(home.path().join(".aws").join(name), text).unwrap();
        }
        Self(home)
    }

    fn find(&self, environment: &[(&str, &str)]) -> Result<Credentials, String> {
        let pairs = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let home = Some(self.0.path().to_owned());
        let found = find(&Options { environment: pairs.collect(), home, ..Options::default() });
        if let Err(error) = &found {
            assert!(!error.contains(SECRET), "{error}");
        }
        found
    }

    /// What is found for some variables.
    fn variables(&self, environment: &[(&str, &str)], names: &[&str]) -> Vec<Option<String>> {
        let found = self.find(environment).unwrap();
        names.iter().map(|name| found.variables.get(*name).cloned()).collect()
    }
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| (!value.is_empty()).then(|| (*value).into())).collect()
}

const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
const BOTH: [(&str, &str); 2] = [
    (
        "credentials",
        "[default]\naws_access_key_id=A\naws_secret_access_key=hunter2\n\
         [work]\naws_access_key_id=W\naws_secret_access_key=hunter2\naws_session_token=T\n",
    ),
    (
        "config",
        "[default]\nregion=eu-north-1\naws_access_key_id=overridden\n\
         [profile work]\nregion=eu-west-1\nendpoint_url=https://s3.example.com\n",
    ),
];

#[test]
fn the_environment_comes_first_then_the_profile() {
    let home = Home::new(&BOTH);
    assert_eq!(home.variables(&[], &KEYS), some(&["A", SECRET, ""]));
    // A session of something else does not belong to the profile's key.
    let stale = [("AWS_SESSION_TOKEN", "stale")];
    assert_eq!(home.variables(&stale, &KEYS), some(&["A", SECRET, ""]));
    assert_eq!(home.variables(&[("AWS_PROFILE", "work")], &KEYS), some(&["W", SECRET, "T"]));
    let environment = [("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "s")];
    assert_eq!(home.variables(&environment, &KEYS), some(&["E", "s", ""]));
    let empty = [("AWS_ACCESS_KEY_ID", ""), ("AWS_PROFILE", "")];
    assert_eq!(home.variables(&empty, &KEYS), some(&["A", SECRET, ""]));
}

#[test]
fn region_and_endpoint_are_the_profiles_unless_the_environment_says_them() {
    let home = Home::new(&BOTH);
    let place = ["AWS_REGION", "AWS_ENDPOINT_URL"];
    assert_eq!(home.variables(&[], &place), some(&["eu-north-1", ""]));
    let work = ("AWS_PROFILE", "work");
    assert_eq!(home.variables(&[work], &place), some(&["eu-west-1", "https://s3.example.com"]));
    let given = [work, ("AWS_DEFAULT_REGION", "x"), ("AWS_ENDPOINT_URL_S3", "https://y")];
    assert_eq!(home.variables(&given, &place), some(&["", ""]));
}

#[test]
fn other_files_and_a_web_identity_are_taken_as_named() {
    let home = Home::new(&[
        ("mine", "[default]\naws_access_key_id=M\naws_secret_access_key=hunter2\n"),
        ("web", "[profile pod]\nrole_arn=arn\nweb_identity_token_file=/token\n"),
    ]);
    let mine = [("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/mine")];
    assert_eq!(home.variables(&mine, &KEYS), some(&["M", SECRET, ""]));
    let web = home.0.path().join(".aws/web");
    let pod = [("AWS_CONFIG_FILE", web.to_str().unwrap()), ("AWS_PROFILE", "pod")];
    let names = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    assert_eq!(home.variables(&pod, &names), some(&["arn", "/token"]));
    assert_eq!(home.find(&pod).unwrap().instance, None);
}

#[test]
fn without_credentials_it_is_said_what_was_looked_at() {
    let home = Home::new(&[("config", "[default]\nregion=r\n")]);
    let instance = home.find(&[]).unwrap().instance.unwrap();
    assert_eq!(instance.endpoint, "http://169.254.169.254");
    for named in ["AWS_ACCESS_KEY_ID", "profile `default` of", ".aws/config", "does not exist"] {
        assert!(instance.missing.contains(named), "{}", instance.missing);
    }
    let error = home.find(&[("AWS_EC2_METADATA_DISABLED", "TRUE")]).err().unwrap();
    assert_eq!(error, instance.missing);
    let other = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/")];
    assert_eq!(home.find(&other).unwrap().instance.unwrap().endpoint, "http://127.0.0.1:1");
    let container = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")];
    assert_eq!(home.find(&container).unwrap().instance, None);
    let homeless = find(&Options::default()).unwrap().instance.unwrap();
    assert!(homeless.missing.contains("no home directory"), "{}", homeless.missing);
}

#[test]
fn what_a_profile_cannot_give_is_an_error_that_says_so() {
    let half = [("credentials", "[default]\naws_secret_access_key = hunter2\n")];
    let sso = [("config", "[profile x]\nsso_session = hunter2\n")];
    let role = [("credentials", "[x]\nrole_arn = hunter2\nsource_profile = hunter2\n")];
    let keys_of_a_role = [(
        "credentials",
        "[x]\nrole_arn=a\nsource_profile=x\naws_access_key_id=A\naws_secret_access_key=hunter2\n",
    )];
    let malformed = [("credentials", "[x]\nhunter2\n")];
    for (files, profile, expected) in [
        (&half, "default", "has only one of"),
        (&sso, "x", "by `sso_session`, which is not supported"),
        (&role, "x", "by `source_profile`, which is not supported"),
        (&keys_of_a_role, "x", "by `source_profile`, which is not supported"),
        (&malformed, "x", "credentials: line 2 is neither"),
        (&sso, "y", "AWS_PROFILE is `y`, and there is no such profile"),
    ] {
        let home = Home::new(files);
        let error = home.find(&[("AWS_PROFILE", profile)]).err().unwrap();
        assert!(error.contains(expected), "{error}");
        // Nothing of it matters to who has credentials in the environment.
        let given =
            [("AWS_PROFILE", profile), ("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "s")];
        assert_eq!(home.variables(&given, &KEYS), some(&["E", "s", ""]), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let home = Home::new(&[]);
    let path = home.0.path().join(".aws/credentials");
    std::fs::write(&path, b"[default]\n\xff\xfe").unwrap();
    let error = home.find(&[]).err().unwrap();
    assert!(error.starts_with(&format!("failed to read {}", path.display())), "{error}");
    let large = "#".repeat(usize::try_from(FILE_BYTES_MAX).unwrap() + 1);
    std::fs::write(&path, large).unwrap();
    assert!(home.find(&[]).err().unwrap().contains("more than"));
}
