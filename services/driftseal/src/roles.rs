//! Starts and stops the roles of a process, in the order in which events flow.

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, ArchiveError};
use evidence::Policy;
use merkle::note::SigningKey;
use ports::EventLog;
use sealer::{Keys, KeysError, Permanent, RoleKeys};
use segment::manifest::KeyUse;
use service::access::Gate;
use service::clock::Stopwatch;
use service::tasks::TaskFailure;
use service::{Exposition, Shutdown, Tasks, metric_names};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::Config;
use crate::demands;
use crate::installation::{retention, trust};
use crate::outcome::Failure;
use crate::place::Place;
pub(crate) use crate::role::Role;

/// Interval at which failed roles are looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Opens the configured event log: Kafka if brokers are configured, else the embedded log.
pub(crate) fn open_log(config: &Config) -> Result<Arc<dyn EventLog>, Failure> {
    if !config.kafka.brokers.is_empty() {
        return connect(config);
    }
    let embedded = &config.embedded;
    let options = embedded::Options {
        sync: embedded.sync,
        record_bytes_max: embedded.record_bytes_max,
        expiry: retention(config)?,
        ..embedded::Options::new(&embedded.directory, service::clock::now_ms)
    };
    match embedded::EmbeddedLog::open(options) {
        Ok(log) => Ok(Arc::new(log)),
        Err(error @ embedded::OpenError::InUse { .. }) => Err(Failure::in_use(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

#[cfg(feature = "kafka")]
fn connect(config: &Config) -> Result<Arc<dyn EventLog>, Failure> {
    let properties = config.kafka.properties();
    let properties = properties.map_err(|problems| Failure::usage(problems.join("\n")))?;
    let options = kafka::Options {
        client_id: crate::installation::client_id(config)?,
        client: properties,
        instance: config.kafka.instance.clone(),
        record_bytes_max: config.kafka.record_bytes_max,
        metadata_refresh: Duration::from_secs(config.kafka.metadata_refresh_secs),
        replication: config.kafka.replication,
        ..kafka::Options::new(config.kafka.brokers.join(","))
    };
    Ok(Arc::new(kafka::KafkaLog::connect(options)?))
}

#[cfg(not(feature = "kafka"))]
fn connect(_: &Config) -> Result<Arc<dyn EventLog>, Failure> {
    Err(Failure::usage(
        "`kafka.brokers` is set, but this build has no support for Apache Kafka; build with the \
         default features, or unset it",
    ))
}

/// The key of a role.
fn role_key(config: &Config, used_for: KeyUse) -> Result<SigningKey, Failure> {
    RoleKeys::load_one(&config.keys.directory, used_for).map_err(|error| without_keys(&error))
}

fn without_keys(error: &KeysError) -> Failure {
    Failure::new(format!("{error}; `driftseal log init` creates the keys"))
}

/// Who the processor is.
fn identity(config: &Config) -> Result<processor::Identity, Failure> {
    let key = role_key(config, KeyUse::Processor)?;
    Ok(processor::Identity { key, trust: trust(config)? })
}

/// The runtime of HTTP and the object store.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("io").build()?)
}

/// The running roles of this process, in the order of the flow.
#[derive(Debug, Default)]
pub(crate) struct Running {
    stages: Vec<(Role, Shutdown, Tasks)>,
}

impl Running {
    /// Starts the collector on bound listeners.
    pub(crate) fn start_collector(
        &mut self,
        config: &Config,
        log: &Arc<dyn EventLog>,
        listeners: collector::Listeners,
        runtime: &Runtime,
    ) -> Result<(), Failure> {
        let (config, log, handle) =
            (config.collector_with_places(), Arc::clone(log), runtime.handle().clone());
        self.start(Role::Collector, move |shutdown| {
            handle.block_on(collector::run(config, log, listeners, shutdown))
        })
    }

    /// Starts the processor.
    pub(crate) fn start_processor(
        &mut self,
        config: &Config,
        log: &Arc<dyn EventLog>,
    ) -> Result<(), Failure> {
        let identity = identity(config)?;
        let (mut config, log) = (config.processor.clone(), Arc::clone(log));
        config.group = identity.trust.installation().named(&config.group);
        self.start(Role::Processor, move |shutdown| processor::run(config, log, identity, shutdown))
    }

    /// Starts the notifier.
    pub(crate) fn start_notifier(
        &mut self,
        config: &Config,
        log: &Arc<dyn EventLog>,
    ) -> Result<(), Failure> {
        let credentials = notifier::Credentials {
            trust: trust(config)?,
            key: role_key(config, KeyUse::Notifier)?,
        };
        let (mut config, log) = (config.notifier.clone(), Arc::clone(log));
        config.group = credentials.trust.installation().named(&config.group);
        self.start(Role::Notifier, move |shutdown| {
            notifier::run(config, credentials, log, shutdown)
        })
    }

    /// Starts the sealer, which opens its archive when it is there.
    pub(crate) fn start_sealer(
        &mut self,
        config: &Config,
        log: &Arc<dyn EventLog>,
        open: impl FnMut() -> Result<Archive, ArchiveError> + Send + 'static,
        keys: Keys,
        permanent: Permanent,
    ) -> Result<(), Failure> {
        let installation = trust(config)?.installation().clone();
        let (mut config, log) = (config.sealer.clone(), Arc::clone(log));
        config.group = installation.named(&config.group);
        self.start(Role::Sealer, move |shutdown| {
            sealer::run_with(config, log, open, keys, permanent, shutdown)
        })
    }

    /// Starts the evidence role on a bound listener.
    pub(crate) fn start_evidence(
        &mut self,
        config: &Config,
        open: impl FnMut() -> Result<Archive, ArchiveError> + Send + 'static,
        policy: Policy,
        process: evidence::role::Process,
    ) -> Result<(), Failure> {
        let config = config.evidence.clone();
        self.start(Role::Evidence, move |shutdown| {
            evidence::role::run(&config, open, policy, process, &shutdown)
        })
    }

    /// Starts the gateway on a bound listener; it stops with the evidence role.
    fn start_gateway(
        &mut self,
        parts: evidence::gateway::Parts,
        listener: TcpListener,
        runtime: &Runtime,
    ) -> Result<(), Failure> {
        let handle = runtime.handle().clone();
        self.start(Role::Evidence, move |shutdown| {
            handle.block_on(evidence::gateway::run(parts, listener, shutdown));
            Ok::<_, std::convert::Infallible>(())
        })
    }

    fn start<E: std::error::Error>(
        &mut self,
        role: Role,
        body: impl FnOnce(Shutdown) -> Result<(), E> + Send + 'static,
    ) -> Result<(), Failure> {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(shutdown.clone());
        let given = shutdown.clone();
        tasks.spawn(role.name(), move || body(given))?;
        metrics::gauge!(
            metric_names::BUILD_INFO,
            "version" => env!("CARGO_PKG_VERSION"),
            "role" => role.name(),
        )
        .set(1.0);
        self.stages.push((role, shutdown, tasks));
        Ok(())
    }

    /// Whether a role has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.stages.iter().any(|(_, shutdown, _)| shutdown.is_triggered())
    }

    /// Waits until `shutdown` is triggered or a role has failed.
    pub(crate) fn wait(&self, shutdown: &Shutdown) {
        while !shutdown.wait_timeout(LOOK) && !self.has_failed() {}
    }

    /// Stops one role and waits for it.
    pub(crate) fn stop(&mut self, role: Role) -> Result<(), Failure> {
        let mut failures = Vec::new();
        let (stopping, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.stages).into_iter().partition(|(found, _, _)| *found == role);
        self.stages = rest;
        for (role, shutdown, tasks) in stopping {
            let stopwatch = Stopwatch::start();
            shutdown.trigger();
            if let Err(failed) = tasks.join() {
                failures.extend(failed);
            }
            let elapsed_ms = stopwatch.elapsed_ms();
            tracing::info!(role = role.name(), elapsed_ms, "role stopped");
        }
        outcome(&failures)
    }

    /// Stops all roles in the order of the flow, so that each drains what the previous one produced.
    pub(crate) fn stop_all(&mut self) -> Result<(), Failure> {
        let mut messages = Vec::new();
        for role in [Role::Collector, Role::Processor, Role::Notifier, Role::Sealer, Role::Evidence]
        {
            if let Err(failure) = self.stop(role) {
                messages.push(failure.message().to_owned());
            }
        }
        if messages.is_empty() { Ok(()) } else { Err(Failure::new(messages.join("; "))) }
    }
}

fn outcome(failures: &[TaskFailure]) -> Result<(), Failure> {
    if failures.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = failures.iter().map(TaskFailure::to_string).collect();
    Err(Failure::new(texts.join("; ")))
}

/// Runs roles until a signal or a failure, then drains. With `create_topics`, creates missing topics
/// first.
pub(crate) fn run(config: &Config, roles: &[Role], create_topics: bool) -> Result<(), Failure> {
    let files = service::open_files::raise();
    tracing::debug!(files, "the process may open so many files");
    let runtime = runtime()?;
    let shutdown = Shutdown::new();
    shutdown.on_signals(runtime.handle())?;
    let exposition = service::metrics::install();
    // Problems of the configuration and the keys are reported before anything listens. The archive may
    // come later.
    let wanted = |role: Role| roles.contains(&role);
    if wanted(Role::Sealer) || wanted(Role::Evidence) {
        let archive = Place::of(config, &runtime).open();
        if let Err(error @ ArchiveError::Location { .. }) = archive {
            return Err(error.into());
        }
    }
    let keys = || Keys::load(&config.keys.directory).map_err(|error| without_keys(&error));
    let sealer = wanted(Role::Sealer).then(keys).transpose()?;
    let policy_file = config.keys.directory.join("policy.txt");
    let evidence =
        wanted(Role::Evidence).then(|| evidence::read_policy(&policy_file)).transpose()?;
    let process = Process { config, runtime: &runtime, exposition, shutdown: shutdown.clone() };
    let mut running = Running::default();
    let started = process.start(roles, create_topics, sealer, evidence, &mut running);
    if started.is_ok() {
        running.wait(&shutdown);
    }
    shutdown.trigger();
    let stopped = running.stop_all();
    started?;
    stopped
}

/// What the roles of the process share.
struct Process<'a> {
    config: &'a Config,
    runtime: &'a Runtime,
    exposition: Exposition,
    shutdown: Shutdown,
}

impl Process<'_> {
    fn start(
        &self,
        roles: &[Role],
        create_topics: bool,
        sealer: Option<Keys>,
        evidence: Option<Policy>,
        running: &mut Running,
    ) -> Result<(), Failure> {
        let config = self.config;
        let has_gateway = evidence.is_some() && !config.listen.gateway.is_empty();
        // The evidence role itself reads only the archive; its gateway needs the log.
        let mut log = None;
        if roles.iter().any(|role| *role != Role::Evidence)
            || (has_gateway && !config.kafka.brokers.is_empty())
        {
            let opened = self.open_log(create_topics)?;
            let demands = demands::at_start(config, roles, has_gateway);
            service::topics::check(&*opened, &demands)?;
            let shutdown = self.shutdown.clone();
            demands::watch(config, roles, has_gateway, Arc::clone(&opened), shutdown)?;
            log = Some(opened);
        }
        if let Some(log) = &log
            && roles.iter().any(|role| *role != Role::Evidence)
        {
            if roles.contains(&Role::Processor) {
                running.start_processor(config, log)?;
            }
            if roles.contains(&Role::Notifier) {
                running.start_notifier(config, log)?;
            }
            if let Some(keys) = sealer {
                // Whoever supervises a role that is alone sees it end.
                let permanent = if roles.len() > 1 { Permanent::Waits } else { Permanent::Ends };
                let place = Place::of(config, self.runtime);
                running.start_sealer(config, log, move || place.open(), keys, permanent)?;
            }
            if roles.contains(&Role::Collector) {
                let listeners = self.collector_listeners()?;
                running.start_collector(config, log, listeners, self.runtime)?;
            } else {
                // The collector serves health and metrics itself; these roles have no HTTP server.
                let listener = bind(&config.listen.operations, self.runtime)?;
                tracing::info!(address = %listener.local_addr()?, "health and metrics listening");
                let (exposition, shutdown) = (self.exposition.clone(), self.shutdown.clone());
                // The evidence role has a server of its own.
                let served = roles.iter().filter(|role| **role != Role::Evidence);
                let healths = served.map(|role| service::health::of(role.name())).collect();
                let serve = service::operations::serve(listener, exposition, healths, shutdown);
                drop(self.runtime.spawn(serve));
            }
        }
        if let Some(policy) = evidence {
            let listener = bind(&config.listen.evidence, self.runtime)?;
            tracing::info!(address = %listener.local_addr()?, "evidence listening");
            let process = evidence::role::Process {
                listener,
                exposition: self.exposition.clone(),
                runtime: self.runtime.handle().clone(),
            };
            let place = Place::of(config, self.runtime);
            running.start_evidence(config, move || place.open(), policy, process)?;
        }
        match log.filter(|_| has_gateway) {
            Some(log) => self.start_gateway(log, running)?,
            None if has_gateway => tracing::warn!(
                "no gateway: `kafka.brokers` is empty, and the embedded log belongs to the process \
                 that runs the other roles (`driftseal up`)"
            ),
            None => {}
        }
        Ok(())
    }

    fn collector_listeners(&self) -> Result<collector::Listeners, Failure> {
        let listen = &self.config.listen;
        let is_open_to_all = self.config.collector.auth == collector::Auth::None;
        let bound = |address: &str, what: &str| {
            let listener = bind(address, self.runtime)?;
            let address = listener.local_addr()?;
            tracing::info!(%address, "{what} listening");
            if is_open_to_all && !address.ip().is_loopback() {
                tracing::warn!(
                    %address,
                    "whoever reaches the collector may send events of any agent: `collector.auth` is \
                     `none`"
                );
            }
            Ok::<_, Failure>(listener)
        };
        let some = |address: &str, what: &str| {
            (!address.is_empty()).then(|| bound(address, what)).transpose()
        };
        Ok(collector::Listeners {
            events: bound(&listen.collector, "collector")?,
            otlp_http: some(&listen.otlp_http, "OTLP over HTTP")?,
            otlp_grpc: some(&listen.otlp_grpc, "OTLP over gRPC")?,
        })
    }

    fn start_gateway(&self, log: Arc<dyn EventLog>, running: &mut Running) -> Result<(), Failure> {
        let config = self.config;
        let trust = trust(config)?;
        let topics = &config.processor.topics;
        let parts = evidence::gateway::Parts {
            config: config.gateway.clone(),
            ready: config.ready.clone(),
            log,
            topics: evidence::gateway::Topics {
                governance: config.notifier.topics.governance.clone(),
                alerts: topics.alerts.clone(),
            },
            specs: config.topic_specs(),
            key: role_key(config, KeyUse::Governance)?,
            installation: trust.installation().clone(),
            trust,
            gate: Gate::watching(
                &config.credentials_file(),
                ::access::Role::Act,
                self.shutdown.clone(),
            )?,
        };
        let listener = bind(&config.listen.gateway, self.runtime)?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "gateway listening");
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "the gateway can be reached from other machines over plain HTTP (`listen.insecure`)"
            );
        }
        running.start_gateway(parts, listener, self.runtime)
    }

    fn open_log(&self, create_topics: bool) -> Result<Arc<dyn EventLog>, Failure> {
        let config = self.config;
        if config.kafka.brokers.is_empty() {
            tracing::warn!(
                directory = %config.embedded.directory.display(),
                "kafka.brokers is empty: using the embedded event log, for a single process"
            );
        } else {
            tracing::info!(brokers = config.kafka.brokers.join(","), "using Apache Kafka");
        }
        let log = open_log(config)?;
        if create_topics {
            log.create_topics(&config.topic_specs())?;
        }
        Ok(log)
    }
}

/// Binds a listener.
pub(crate) fn bind(address: &str, runtime: &Runtime) -> Result<TcpListener, Failure> {
    runtime
        .block_on(TcpListener::bind(address))
        .map_err(|error| Failure::new(format!("failed to listen on {address}: {error}")))
}
