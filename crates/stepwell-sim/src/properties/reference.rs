//! SQLite and the reference store get the same operations and must answer alike. After a crash SQLite must have one of
//! the states that it may have: the last committed one, or that of a commit that was never confirmed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::rc::Rc;

use stepwell_engine::{Entropy, MemoryStore, Ownership, Store, StoreError, StoreResult};
use stepwell_protocol::{
    ExecutorId, Generation, LogLine, LogQuery, Order, RequestId, Run, RunFilter, RunId, Step,
    TimestampMs,
};
use stepwell_sqlite::SqliteStore;

use super::batches::{self, Batches};
use super::children::{self, Children};
use super::forgetting::{self, Deletions};
use super::history::{self, History};
use super::keys::{self, Keys};
use super::once::{self, Once};
use super::replay::Replays;
use super::retries::{self, Retries};
use super::signals::{self, Signals};
use super::times::{self, Times};
use super::woken::Woken;
use super::{Verdicts, ensure};
use crate::counts::{Counts, Fault, State};
use crate::workloads::Workload;

pub(crate) const NAME: &str = "reference";

/// What the world sees of the stores, beyond the life of one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) verdicts: Verdicts,
    pub(crate) counts: Counts,
    pub(crate) history: History,
    /// Under which generation each step was written first.
    pub(crate) written: BTreeMap<(RunId, String), Generation>,
    /// Everything that was written under a fence: the run, its generation and, for a step, its name.
    pub(crate) accepted: BTreeSet<(RunId, Generation, Option<String>)>,
    /// Runs taken from their executor because a message could not be stored.
    pub(crate) given_up: BTreeSet<RunId>,
    /// The same, since the start.
    pub(crate) given_up_ever: BTreeSet<RunId>,
    pub(crate) once: Once,
    /// The next so many guarded writes fail for no known reason.
    pub(crate) unexpected: u32,
    /// Whether answers are compared. Off, the other properties must do.
    pub(super) compares: bool,
    /// The states that the database may be in. Several after a restart, until an answer tells them apart.
    pub(super) models: Vec<MemoryStore>,
    pub(super) committed: Vec<MemoryStore>,
    /// What may be found after a restart, because a commit was neither confirmed nor overwritten.
    pub(super) possible: Vec<MemoryStore>,
    pub(super) touched: BTreeSet<RunId>,
    pub(super) keys: Keys,
    pub(crate) batches: Batches,
    pub(super) deletions: Deletions,
    /// Whether each claim is judged, which costs a read of all active runs.
    pub(super) judges_claims: bool,
    /// The latest time that the engine has told.
    pub(crate) latest: TimestampMs,
    pub(crate) replays: Replays,
    pub(crate) retries: Retries,
    pub(crate) signals: Signals,
    pub(crate) children: Children,
    pub(super) times: Times,
    pub(crate) woken: Woken,
    /// How often each run was claimed after a wait, or opened one: what is no recovery.
    pub(crate) resumed: BTreeMap<RunId, u32>,
    /// Of the batch that is being handled.
    pub(crate) entropy: Entropy,
    /// How many transactions wrote.
    pub(crate) commits: u64,
    /// The next transaction that writes is undone, and its process dies.
    pub(crate) dies_at_commit: bool,
    pub(crate) has_died: bool,
}

pub(crate) type SharedWatch = Rc<RefCell<Watch>>;

impl Watch {
    pub(crate) fn new(compares: bool, workload: &Workload) -> Self {
        let judges_claims = workload.marks;
        let empty = MemoryStore::new(match workload.engines {
            1 => Ownership::Exclusive,
            _ => Ownership::Shared,
        });
        Self {
            verdicts: Verdicts::default(),
            counts: Counts::default(),
            history: History::default(),
            written: BTreeMap::new(),
            accepted: BTreeSet::new(),
            given_up: BTreeSet::new(),
            given_up_ever: BTreeSet::new(),
            once: Once::default(),
            unexpected: 0,
            compares,
            models: vec![empty.clone()],
            committed: vec![empty],
            possible: Vec::new(),
            touched: BTreeSet::new(),
            keys: Keys::default(),
            batches: Batches::default(),
            deletions: Deletions::default(),
            judges_claims,
            latest: TimestampMs(0),
            replays: Replays::default(),
            retries: Retries::default(),
            signals: Signals::new(workload.unordered || workload.tabs > 0),
            children: Children::default(),
            times: Times::default(),
            woken: Woken::default(),
            resumed: BTreeMap::new(),
            entropy: Entropy([0; 16]),
            commits: 0,
            dies_at_commit: false,
            has_died: false,
        }
    }

    /// The runs, as they were, that were deleted by commits since this was asked last.
    pub(crate) fn take_deleted(&mut self) -> Vec<Run> {
        self.deletions.take_committed()
    }

    /// A run as it stands after a commit, or after a restart.
    fn see(&mut self, run: Run, request: Option<&RequestId>, steps: Vec<Step>) {
        let before = self.history.run(&run.id);
        let verdict = self.once.see(before, &run, request, &self.history);
        self.verdicts.judge(once::NAME, verdict);
        self.verdicts.judge(keys::NAME, self.keys.see(&run));
        self.batches.see(&run);
        self.verdicts
            .judge(children::NAME, self.children.see(&run, &steps));
        self.verdicts
            .judge(signals::NAME, self.signals.see(&run, &steps));
        self.verdicts
            .judge(times::NAME, self.times.see(&run, &steps));
        self.verdicts
            .judge(retries::NAME, retries::within_budget(&run, &steps));
        let verdict = self.history.see(run, steps);
        self.verdicts.judge(history::NAME, verdict);
    }

    /// A run that is not there after a commit, or after a restart.
    fn miss(&mut self, run_id: &RunId) {
        self.keys.miss(run_id);
        let may_be_gone = self.deletions.may_have_deleted(run_id);
        let verdict = self.history.miss(run_id, may_be_gone);
        self.verdicts.judge(history::NAME, verdict);
    }

    /// When all that a commit changed has been seen.
    fn judge_whole(&mut self) {
        let alone = keys::alone(&self.history);
        self.verdicts.judge(keys::NAME, alone);
        let whole = self.batches.whole();
        self.verdicts.judge(batches::NAME, whole);
        self.verdicts
            .judge(children::NAME, children::whole(&self.history));
    }

    /// Asks every model; those that answer otherwise than SQLite are not what the database is.
    pub(super) fn compare<T: PartialEq + Debug>(
        &mut self,
        call: &str,
        real: &T,
        on_model: impl Fn(&mut MemoryStore) -> StoreResult<T>,
    ) {
        let answers: Vec<StoreResult<T>> = self.models.iter_mut().map(on_model).collect();
        if !self.compares {
            return;
        }
        let agrees = |answer: &StoreResult<T>| answer.as_ref() == Ok(real);
        let verdict = ensure(answers.iter().any(agrees), || {
            format!("{call} gave {real:?}; the reference gave {answers:?}")
        });
        let answers = &mut answers.iter();
        if verdict.is_ok() {
            self.models.retain(|_| answers.next().is_some_and(agrees));
        }
        self.verdicts.judge(NAME, verdict);
    }

    pub(super) fn fails_unexpectedly(&mut self, run_id: Option<&RunId>) -> StoreResult<()> {
        if self.unexpected == 0 {
            return Ok(());
        }
        self.unexpected -= 1;
        self.counts.struck(Fault::Unexpected);
        self.given_up.extend(run_id.cloned());
        self.given_up_ever.extend(run_id.cloned());
        Err(StoreError::Other("planned by the simulator".to_owned()))
    }
}

/// SQLite with the reference beside it.
#[derive(Debug)]
pub(crate) struct ReferenceStore {
    pub(super) sqlite: SqliteStore,
    pub(super) watch: SharedWatch,
}

impl ReferenceStore {
    /// Takes over a freshly opened database and finds out which of its possible states it is in.
    pub(crate) fn open(mut sqlite: SqliteStore, watch: &SharedWatch) -> StoreResult<Self> {
        let found = content(&mut sqlite)?;
        {
            let watch = &mut *watch.borrow_mut();
            let states = watch.committed.iter().chain(&watch.possible);
            let mut models: Vec<MemoryStore> = states
                .filter(|model| {
                    content(&mut (*model).clone()).is_ok_and(|expected| expected == found)
                })
                .cloned()
                .collect();
            distinct(&mut models);
            if watch.compares {
                let verdict = ensure(!models.is_empty(), || {
                    format!("after a restart the database has a state it cannot have: {found:?}")
                });
                watch.verdicts.judge(NAME, verdict);
            }
            let is_committed = |model: &MemoryStore| {
                content(&mut model.clone()).is_ok_and(|expected| expected == found)
            };
            if !watch.committed.iter().any(is_committed) {
                watch.counts.saw(State::CommitSurfaced);
            }
            if models.is_empty() {
                models.clone_from(&watch.committed);
            }
            watch.models = models;
            let there: BTreeSet<&RunId> = found.iter().map(|(run, ..)| &run.id).collect();
            let known: Vec<RunId> = watch.history.run_ids().cloned().collect();
            for run_id in known.iter().filter(|run_id| !there.contains(run_id)) {
                watch.counts.saw(State::DeletionSurfaced);
                watch.miss(run_id);
            }
            // Children before their parents, whose steps show them.
            for (run, requests, steps, ..) in found {
                watch.see(run, requests.first(), steps);
            }
            watch.judge_whole();
        }
        Ok(Self {
            sqlite,
            watch: Rc::clone(watch),
        })
    }

    /// Upkeep, as a host does it when idle.
    pub(crate) fn maintain(&mut self) -> StoreResult<bool> {
        self.sqlite.maintain()
    }

    /// SQLite's own check, and the reference's whole content beside SQLite's.
    pub(crate) fn check_all(&mut self) {
        let problems = self.sqlite.integrity_check();
        let orphans = self.sqlite.orphans();
        let real = content(&mut self.sqlite);
        let mut watch = self.watch.borrow_mut();
        let expected = content(&mut watch.committed[0].clone());
        let sound = ensure(problems == Ok(Vec::new()), || {
            format!("integrity_check says {problems:?}")
        });
        watch.verdicts.judge(NAME, sound);
        let orphans = ensure(orphans == Ok(Vec::new()), || {
            format!("rows without their run: {orphans:?}")
        });
        watch.verdicts.judge(forgetting::NAME, orphans);
        if watch.compares {
            let alike = ensure(real == expected, || {
                format!("SQLite has {real:?}; the reference has {expected:?}")
            });
            watch.verdicts.judge(NAME, alike);
        }
    }

    pub(super) fn see_touched(&mut self) {
        let mut touched = std::mem::take(&mut self.watch.borrow_mut().touched);
        // Children before their parents, whose steps show them.
        let mut parents: Vec<RunId> = Vec::new();
        for run_id in &touched {
            if let Ok(Some(run)) = self.sqlite.run(run_id) {
                parents.extend(run.parent_id);
            }
        }
        touched.retain(|run_id| !parents.contains(run_id));
        for run_id in touched.into_iter().chain(parents) {
            let run = self.sqlite.run(&run_id);
            let steps = self.sqlite.steps(&run_id, true);
            let requests = self.sqlite.last_requests(&run_id).unwrap_or_default();
            let watch = &mut *self.watch.borrow_mut();
            // A dead disk cannot be read; what it holds is seen at the next opening.
            match (run, steps) {
                (Ok(Some(run)), Ok(steps)) => watch.see(run, requests.first(), steps),
                (Ok(None), Ok(_)) => watch.miss(&run_id),
                _ => {}
            }
        }
        self.watch.borrow_mut().judge_whole();
    }

    pub(super) fn touch(&self, run_id: &RunId) {
        self.watch.borrow_mut().touched.insert(run_id.clone());
    }
}

/// Most differ in nothing: an unconfirmed commit that was tried again, and differences that the next write levelled.
pub(super) fn distinct(models: &mut Vec<MemoryStore>) {
    if models.len() > 1 {
        let mut seen = BTreeSet::new();
        models.retain(|model| seen.insert(format!("{model:?}")));
    }
}

type Content = Vec<(
    Run,
    Vec<RequestId>,
    Vec<Step>,
    Vec<LogLine>,
    Option<ExecutorId>,
)>;

/// All that the port shows of a store.
fn content(store: &mut impl Store) -> StoreResult<Content> {
    let filter = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    store
        .runs(&filter)?
        .runs
        .into_iter()
        .map(|run| {
            let requests = store.last_requests(&run.id)?;
            let steps = store.steps(&run.id, true)?;
            let logs = store.logs(&whole_log(&run.id))?.logs;
            let parked = store.parked_by(&run.id)?;
            Ok((run, requests, steps, logs, parked))
        })
        .collect()
}

/// A query for all lines of a run.
pub(crate) fn whole_log(run_id: &RunId) -> LogQuery {
    LogQuery {
        run_id: run_id.clone(),
        level: None,
        order: Order::Asc,
        cursor: None,
        limit: 10_000,
    }
}
