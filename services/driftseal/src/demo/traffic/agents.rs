//! The two agents and their versions.

/// A tool that an agent may call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) side_effect: &'static str,
    pub(super) median_ms: f64,
    /// Whether a person must approve the call.
    pub(super) needs_approval: bool,
}

/// The behaviour of a version of an agent.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) name: &'static str,
    pub(super) prompt: &'static str,
    /// Share of runs that end in an error.
    pub(super) error_rate: f64,
    /// Share of evaluated runs that pass.
    pub(super) pass_rate: f64,
    /// Median duration of a model call, milliseconds.
    pub(super) model_median_ms: f64,
    /// Median output tokens of a model call.
    pub(super) output_tokens_median: f64,
}

/// An agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) purpose: &'static str,
    pub(super) owner: &'static str,
    pub(super) risk_tier: &'static str,
    pub(super) model: &'static str,
    pub(super) suite: &'static str,
    pub(super) tools: &'static [Tool],
    pub(super) questions: &'static [&'static str],
    pub(super) answers: &'static [&'static str],
    pub(super) share_of_runs: f64,
    /// When the second version is deployed, as a share of the period.
    pub(super) deployed_at_share: f64,
    pub(super) change_reason: &'static str,
    pub(super) versions: [Version; 2],
}

/// The agent that gets worse.
pub const WORSE_AGENT: &str = "refund-desk";
/// The agent that performs as before.
pub const CALM_AGENT: &str = "doc-search";

pub(super) const AGENTS: [Agent; 2] = [
    Agent {
        id: WORSE_AGENT,
        title: "Refund desk",
        purpose: "Decides refunds up to a limit and prepares larger ones for approval",
        owner: "ops-refunds",
        risk_tier: "high",
        model: "atlas-large-2",
        suite: "refund-quality",
        tools: &[
            Tool {
                name: "lookup_order",
                side_effect: "read",
                median_ms: 120.0,
                needs_approval: false,
            },
            Tool {
                name: "search_policy",
                side_effect: "read",
                median_ms: 240.0,
                needs_approval: false,
            },
            Tool {
                name: "issue_refund",
                side_effect: "write",
                median_ms: 410.0,
                needs_approval: true,
            },
        ],
        questions: &[
            "The blender arrived broken; I want my money back.",
            "Sie haben mir zweimal denselben Betrag abgebucht.",
            "Where is the refund for my return from last week?",
            "The jacket is the wrong size. Can I return it after 40 days?",
        ],
        answers: &[
            "The refund was issued to the original payment method.",
            "Der doppelte Betrag wurde erstattet.",
            "The return window has passed; I opened a case for you.",
        ],
        share_of_runs: 0.65,
        deployed_at_share: 0.55,
        change_reason: "shorten the policy section of the prompt to save tokens",
        versions: [
            Version {
                name: "refund-desk-v1",
                prompt: "You decide refunds. Read the policy first. Ask for approval above 100.",
                error_rate: 0.08,
                pass_rate: 0.93,
                model_median_ms: 900.0,
                output_tokens_median: 180.0,
            },
            Version {
                name: "refund-desk-v2",
                prompt: "You decide refunds. Ask for approval above 100.",
                error_rate: 0.22,
                pass_rate: 0.82,
                model_median_ms: 1_150.0,
                output_tokens_median: 230.0,
            },
        ],
    },
    Agent {
        id: CALM_AGENT,
        title: "Document search",
        purpose: "Answers employees' questions from the handbook",
        owner: "it-knowledge",
        risk_tier: "low",
        model: "atlas-small-2",
        suite: "answer-grounding",
        tools: &[
            Tool {
                name: "search_index",
                side_effect: "read",
                median_ms: 90.0,
                needs_approval: false,
            },
            Tool {
                name: "fetch_page",
                side_effect: "read",
                median_ms: 150.0,
                needs_approval: false,
            },
        ],
        questions: &[
            "How many days of parental leave do we get?",
            "Wo finde ich die Reisekostenregelung?",
            "Who approves access to the data warehouse?",
        ],
        answers: &[
            "See section 4.2 of the handbook.",
            "Die Regelung steht im Kapitel Reisen.",
            "The owner of the data set; see the access page.",
        ],
        share_of_runs: 0.35,
        deployed_at_share: 0.5,
        change_reason: "add the travel pages to the index",
        versions: [
            Version {
                name: "doc-search-v7",
                prompt: "Answer from the handbook and cite the section.",
                error_rate: 0.05,
                pass_rate: 0.95,
                model_median_ms: 420.0,
                output_tokens_median: 90.0,
            },
            Version {
                name: "doc-search-v8",
                prompt: "Answer from the handbook and cite the section or page.",
                error_rate: 0.05,
                pass_rate: 0.95,
                model_median_ms: 420.0,
                output_tokens_median: 90.0,
            },
        ],
    },
];
