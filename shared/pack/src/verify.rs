//! Verifies a pack from its bytes alone, in memory that does not grow with its events.

use std::collections::BTreeSet;

use event::ColumnId;
use merkle::checkpoint::Checkpoint;
use merkle::{Hash, hash};
use segment::belief::Believed;
use segment::excerpt::Excerpt;
use segment::fault::{Distrust, Fault};
use segment::manifest::SignerUse;
use segment::policy::Policy;

use crate::document::Claims;
use crate::earlier::{Earlier, Kept};
use crate::facts::{Counter, LogFacts};
use crate::fields::Fields;
use crate::parts::Parts;
use crate::report::{Keys, PackFile, Report, Step, Verified};
use crate::rows::{Proofs, Rows};
use crate::same::Same;
use crate::signature;
use crate::table::{Columns, Pages};
use crate::wanted::{Counted, Wanted, check_complete};
use crate::zip::{PackBytes, Zip};
use crate::{coverage, csv, html, log, names};

/// Whom to believe, and what is known already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'p> {
    /// The public keys; without them nothing that needs keys can be said.
    pub policy: Option<&'p Policy>,
    /// What is known of the log from earlier: it must still be its beginning.
    pub earlier: Option<Earlier<'p>>,
}

/// Verifies a pack; without a policy, everything that needs no keys.
///
/// No file, no network, no clock but for what reads the bytes. Any bytes give a report.
#[must_use]
pub fn verify(pack: &dyn PackBytes, trust: Trust<'_>) -> Report {
    let mut steps = Vec::new();
    let mut file = None;
    let outcome = check(pack, trust, &mut file, &mut steps);
    Report::new(outcome, file, steps)
}

fn check(
    pack: &dyn PackBytes,
    trust: Trust<'_>,
    file: &mut Option<PackFile>,
    steps: &mut Vec<Step>,
) -> Result<Verified, Distrust> {
    let zip = Zip::open(pack)?;
    let parts = Parts::of(&zip)?;
    let sha256 = hash::to_hex(&parts.file_digest()?);
    *file = Some(PackFile { bytes: pack.size_bytes(), sha256 });
    steps.push(Step::new("zip", format!("{} entries in the one form", zip.entries.len())));
    let sums = parts.check_sums()?;
    steps.push(Step::new("digests", "SHA256SUMS lists every entry with its digest"));
    let claims = Claims::parse(&parts.small(names::PACK)?)?;
    let Some(policy) = trust.policy else {
        let why = "there is no policy: without the public keys, obtained from somewhere else than \
                   the pack or its sender, nobody can say who signed it";
        return Err(Distrust::Unverifiable(why.to_owned()));
    };
    Check { parts: &parts, policy, claims, steps }.run(&sums, trust.earlier)
}

/// A pack that is being checked by a policy.
struct Check<'c> {
    parts: &'c Parts<'c>,
    policy: &'c Policy,
    claims: Claims,
    steps: &'c mut Vec<Step>,
}

impl Check<'_> {
    fn ok(&mut self, name: &'static str, detail: impl Into<String>) {
        self.steps.push(Step::new(name, detail));
    }

    fn run(mut self, sums: &Hash, earlier: Option<Earlier<'_>>) -> Result<Verified, Distrust> {
        let note = self.parts.small_text(names::CHECKPOINT)?;
        let checkpoint = self.policy.open_checkpoint(names::CHECKPOINT, &note)?;
        self.ok("checkpoint signature", format!("it vouches for {} entries", checkpoint.size));
        let mut fields = Fields::default();
        let mut believed = Believed::new(self.policy.clone());
        let excerpt = self.open_log(&checkpoint, &mut believed, &mut fields)?;
        let note = self.parts.small_text(names::SIGNATURE)?;
        let evidence = signature::open(&believed, &note, sums)?;
        self.ok(
            "evidence signature",
            "scope, withheld fields and tables are signed by a known key",
        );
        if let Some(earlier) = earlier {
            let detail = Kept::open(self.policy, earlier)?.check(&checkpoint, &excerpt)?;
            self.ok("kept checkpoint", detail);
        }
        let ends = excerpt.check(self.claims.scope.period())?;
        self.ok(
            "log excerpt",
            format!(
                "the log names the head of commit {}; in {} partitions no segment that could touch \
                 the period is missing",
                excerpt.head.sequence,
                ends.len()
            ),
        );
        let unsealed = excerpt.unsealed(&ends)?;
        let mut wanted = Wanted::all(&self.claims.scope, excerpt);
        let counted = self.count(&mut wanted, &fields)?;
        self.ok(
            "censuses",
            format!(
                "the counts of events by agent and kind, of {} segments that touch the period, as sealed",
                wanted.len()
            ),
        );
        let mut counter = Counter::default();
        let facts = &mut counter.facts;
        facts.coverage = coverage::coverage(
            &self.claims.scope,
            &ends,
            wanted.iter().map(|wanted| &wanted.manifest.facts),
        )?;
        facts.files = self.parts.files as u64;
        let (origin, root) = (checkpoint.origin, hash::to_hex(&checkpoint.root));
        facts.log = LogFacts { origin: origin.clone(), root, size: checkpoint.size };
        facts.quarantined_of_any_agent = counted.quarantined;
        facts.segments_in_period = wanted.len() as u64;
        facts.segments_with_events =
            wanted.iter().filter(|wanted| !wanted.expected.is_empty()).count() as u64;
        facts.similar_names = counted.names.list();
        facts.unsealed = unsealed;
        self.check_rows(&counted.columns, &mut wanted, &mut counter)?;
        let rows = counter.facts.events_in_segments;
        self.ok(
            "events",
            format!("the leaf (digest) of {rows} events computed again, each in its segment"),
        );
        check_complete(&wanted)?;
        self.ok("completeness", "as many events of the agent of each kind as the censuses count");
        let facts = counter.finish();
        self.check_derived(&facts)?;
        let Claims { scope, generator, .. } = self.claims;
        let keys = Keys {
            log: known(self.policy.logs(), &origin),
            sealers: believed.keys_for(SignerUse::Sealer).iter().map(name).collect(),
            evidence: known(believed.keys_for(SignerUse::Evidence), &evidence),
            accepted: believed.accepted().to_vec(),
        };
        Ok(Verified { scope: scope.to_text(), generator, keys, facts })
    }

    fn open_log(
        &mut self,
        checkpoint: &Checkpoint,
        believed: &mut Believed,
        fields: &mut Fields,
    ) -> Result<Excerpt, Distrust> {
        let head = self.parts.small(names::HEAD)?;
        let (entries, nodes) = (self.parts.lines(names::ENTRIES), self.parts.lines(names::NODES));
        let excerpt = log::open(&head, entries, nodes, checkpoint, believed, fields)?;
        let count = excerpt.entries.len();
        self.ok(
            "log entries",
            format!("{count} are in the signed tree of the log, each signed by a known sealer"),
        );
        for key in believed.accepted() {
            self.ok("believed key", key.to_string());
        }
        Ok(excerpt)
    }

    fn count(&self, wanted: &mut [Wanted], fields: &Fields) -> Result<Counted, Distrust> {
        const STEP: &str = "censuses of the period";
        let mut lines = self.parts.lines(names::CENSUSES);
        let mut counted = Counted::default();
        for segment in wanted {
            let place = format!("census of log entry {} in {}", segment.entry, names::CENSUSES);
            let line = lines.next()?;
            let line =
                line.ok_or_else(|| Fault::new(STEP, place.as_str(), "a line", "no more lines"))?;
            segment.count(&self.claims.scope, &place, line.as_bytes(), fields, &mut counted)?;
        }
        match lines.next()? {
            None => Ok(counted),
            Some(_) => Err(Fault::new(STEP, lines.place(), "no more lines", "one").into()),
        }
    }

    /// Checks the rows of all files, and their tables.
    fn check_rows(
        &self,
        columns: &BTreeSet<ColumnId>,
        wanted: &mut [Wanted],
        counter: &mut Counter,
    ) -> Result<(), Distrust> {
        let Claims { scope, withheld, columns: printed, .. } = &self.claims;
        let columns = Columns::of(columns);
        let mut files = 0..self.parts.files;
        let mut proofs =
            Proofs::new(|| files.next().map(|file| self.parts.lines(&names::proofs(file))));
        let mut rows = Rows::new(scope, withheld, wanted);
        for file in 0..self.parts.files {
            let (name, content) = (names::parquet(file), self.parts.parquet(file)?);
            let form = |fault: crate::table::TableFault| {
                let place = format!("{name}: {}", fault.place);
                Fault::new("the one form of Parquet", place, fault.expected, fault.found)
            };
            let pages = Pages::open(&content, &columns).map_err(form)?;
            let mut table = pages.table().map_err(form)?;
            let csv_name = names::csv(file);
            let mut csv = Same::new(&csv_name, self.parts.read(&csv_name));
            csv.expect(&csv::header(printed))?;
            while let Some(row) = table.next_row().map_err(form)? {
                let place =
                    format!("{}/{} offset {} in {name}", row.topic, row.partition, row.offset);
                rows.take(&place, &row, &mut || proofs.next())?;
                counter.count(scope, withheld, &row);
                if scope.contains(row.timestamp_ms) {
                    csv.expect(&csv::row(printed, &row))?;
                }
            }
            csv.end()?;
        }
        rows.finish(&mut || proofs.next())
    }

    fn check_derived(&mut self, facts: &crate::facts::Facts) -> Result<(), Distrust> {
        let mut document = Same::new(names::PACK, self.parts.read(names::PACK));
        document.expect(&self.claims.to_text(facts))?;
        document.end()?;
        if self.claims.report == html::WORDING {
            let mut report = Same::new(names::REPORT, self.parts.read(names::REPORT));
            report.expect(&html::render(&self.claims.scope, facts))?;
            report.end()?;
            self.ok("printed numbers", "tables, pack.json and report.html follow from the events");
        } else {
            self.ok(
                "printed numbers",
                "tables and pack.json follow from the events; report.html is worded by another version \
                 and was NOT rendered again: its numbers are only signed",
            );
        }
        Ok(())
    }
}

fn name(key: &merkle::note::VerifyingKey) -> String {
    format!("{}+{}", key.name(), key.key_id_hex())
}

/// The key of that name.
fn known(keys: &[merkle::note::VerifyingKey], of: &str) -> String {
    match keys.iter().find(|key| key.name() == of) {
        Some(key) => name(key),
        None => unreachable!("a signature of `{of}` was checked with its key"),
    }
}
