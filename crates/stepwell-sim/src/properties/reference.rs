//! SQLite and the reference store get the same operations and must answer alike. After a crash SQLite must have one of
//! the states that it may have: the last committed one, or that of a commit that was never confirmed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::rc::Rc;

use stepwell_engine::{
    Claim, Claimed, Deleted, Fence, Inserted, MemoryStore, NewRun, Ownership, Release, RunHead,
    RunOutcome, RunWritten, StepOutcome, StepWritten, Store, StoreError, StoreResult,
};
use stepwell_protocol::{
    BlobId, Epoch, Generation, LogLine, LogPage, LogQuery, Order, Report, RequestId, Run,
    RunFilter, RunId, RunPage, RunStatus, Step, TimestampMs,
};
use stepwell_sqlite::SqliteStore;

use super::history::{self, History};
use super::{Verdicts, ensure};
use crate::counts::{Counts, Fault, State};

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
    /// The next so many guarded writes fail for no known reason.
    pub(crate) unexpected: u32,
    /// Whether answers are compared. Off, the other properties must do.
    compares: bool,
    /// The first is in force. Several between a restart and its first session: they are told apart by it.
    models: Vec<MemoryStore>,
    committed: MemoryStore,
    /// What may be found after a restart, because a commit was neither confirmed nor overwritten.
    possible: Vec<MemoryStore>,
    touched: BTreeSet<RunId>,
}

pub(crate) type SharedWatch = Rc<RefCell<Watch>>;

impl Watch {
    pub(crate) fn new(compares: bool) -> Self {
        let empty = MemoryStore::new(Ownership::Exclusive);
        Self {
            verdicts: Verdicts::default(),
            counts: Counts::default(),
            history: History::default(),
            written: BTreeMap::new(),
            accepted: BTreeSet::new(),
            given_up: BTreeSet::new(),
            unexpected: 0,
            compares,
            models: vec![empty.clone()],
            committed: empty,
            possible: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    fn compare<T: PartialEq + Debug>(
        &mut self,
        call: &str,
        real: &T,
        on_model: impl FnOnce(&mut MemoryStore) -> StoreResult<T>,
    ) {
        let expected = on_model(&mut self.models[0]);
        if self.compares {
            let verdict = ensure(expected.as_ref() == Ok(real), || {
                format!("{call} gave {real:?}; the reference gave {expected:?}")
            });
            self.verdicts.judge(NAME, verdict);
        }
    }

    fn fails_unexpectedly(&mut self, run_id: Option<&RunId>) -> StoreResult<()> {
        if self.unexpected == 0 {
            return Ok(());
        }
        self.unexpected -= 1;
        self.counts.struck(Fault::Unexpected);
        self.given_up.extend(run_id.cloned());
        Err(StoreError::Other("planned by the simulator".to_owned()))
    }
}

/// SQLite with the reference beside it.
#[derive(Debug)]
pub(crate) struct ReferenceStore {
    sqlite: SqliteStore,
    watch: SharedWatch,
}

impl ReferenceStore {
    /// Takes over a freshly opened database and finds out which of its possible states it is in.
    pub(crate) fn open(mut sqlite: SqliteStore, watch: &SharedWatch) -> StoreResult<Self> {
        let found = content(&mut sqlite)?;
        {
            let watch = &mut *watch.borrow_mut();
            watch.models = std::iter::once(&watch.committed)
                .chain(&watch.possible)
                .filter(|model| {
                    content(&mut (*model).clone()).is_ok_and(|expected| expected == found)
                })
                .cloned()
                .collect();
            if watch.compares {
                let verdict = ensure(!watch.models.is_empty(), || {
                    format!("after a restart the database has a state it cannot have: {found:?}")
                });
                watch.verdicts.judge(NAME, verdict);
            }
            let committed = content(&mut watch.committed.clone())?;
            if found != committed {
                watch.counts.saw(State::CommitSurfaced);
            }
            if watch.models.is_empty() {
                watch.models.push(watch.committed.clone());
            }
            for (run, _, steps, _) in found {
                let verdict = watch.history.see(run, steps);
                watch.verdicts.judge(history::NAME, verdict);
            }
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
        let real = content(&mut self.sqlite);
        let mut watch = self.watch.borrow_mut();
        let expected = content(&mut watch.committed.clone());
        let sound = ensure(problems == Ok(Vec::new()), || {
            format!("integrity_check says {problems:?}")
        });
        watch.verdicts.judge(NAME, sound);
        if watch.compares {
            let alike = ensure(real == expected, || {
                format!("SQLite has {real:?}; the reference has {expected:?}")
            });
            watch.verdicts.judge(NAME, alike);
        }
    }

    fn see_touched(&mut self) {
        let touched = std::mem::take(&mut self.watch.borrow_mut().touched);
        for run_id in touched {
            let run = self.sqlite.run(&run_id);
            let steps = self.sqlite.steps(&run_id, true);
            // A dead disk cannot be read; what it holds is seen at the next opening.
            if let (Ok(Some(run)), Ok(steps)) = (run, steps) {
                let watch = &mut *self.watch.borrow_mut();
                let verdict = watch.history.see(run, steps);
                watch.verdicts.judge(history::NAME, verdict);
            }
        }
    }

    fn touch(&self, run_id: &RunId) {
        self.watch.borrow_mut().touched.insert(run_id.clone());
    }
}

type Content = Vec<(Run, Option<RequestId>, Vec<Step>, Vec<LogLine>)>;

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
            let request = store.last_request(&run.id)?;
            let steps = store.steps(&run.id, true)?;
            let logs = store.logs(&whole_log(&run.id))?.logs;
            Ok((run, request, steps, logs))
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

macro_rules! both {
    ($self:ident.$call:ident($($arg:expr),*)) => {{
        let real = $self.sqlite.$call($($arg),*)?;
        $self.watch.borrow_mut().compare(stringify!($call), &real, |model| model.$call($($arg),*));
        real
    }};
}

impl Store for ReferenceStore {
    fn ownership(&self) -> Ownership {
        self.sqlite.ownership()
    }

    fn begin(&mut self) -> StoreResult<()> {
        self.sqlite.begin()?;
        for model in &mut self.watch.borrow_mut().models {
            model.begin()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> StoreResult<bool> {
        let real = self.sqlite.commit();
        {
            let watch = &mut *self.watch.borrow_mut();
            match &real {
                Ok(wrote) => {
                    let expected = watch.models[0].commit();
                    let verdict = ensure(expected == Ok(*wrote), || {
                        format!("commit gave {real:?}; the reference gave {expected:?}")
                    });
                    if watch.compares {
                        watch.verdicts.judge(NAME, verdict);
                    }
                    // A transaction without a write leaves the log, and so an unconfirmed commit in it, as it was.
                    if *wrote {
                        watch.possible.clear();
                        watch.committed = watch.models[0].clone();
                    }
                }
                Err(_) => {
                    let mut unconfirmed = watch.models[0].clone();
                    // It has the open transaction of the model in force, so this cannot fail.
                    let _ = unconfirmed.commit();
                    watch.possible.push(unconfirmed);
                }
            }
        }
        if real.is_ok() {
            self.see_touched();
        }
        real
    }

    fn rollback(&mut self) {
        self.sqlite.rollback();
        let mut watch = self.watch.borrow_mut();
        watch.touched.clear();
        watch.models.iter_mut().for_each(MemoryStore::rollback);
    }

    fn savepoint(&mut self) -> StoreResult<()> {
        both!(self.savepoint());
        Ok(())
    }

    fn release_savepoint(&mut self) -> StoreResult<()> {
        both!(self.release_savepoint());
        Ok(())
    }

    fn rollback_to_savepoint(&mut self) -> StoreResult<()> {
        both!(self.rollback_to_savepoint());
        Ok(())
    }

    fn begin_session(&mut self, now: TimestampMs) -> StoreResult<Epoch> {
        let real = self.sqlite.begin_session(now)?;
        let mut watch = self.watch.borrow_mut();
        let before = watch.models[0].clone();
        watch
            .models
            .retain_mut(|model| model.begin_session(now) == Ok(real));
        let verdict = ensure(!watch.models.is_empty(), || {
            format!("no state that the database may have gives the epoch {real}")
        });
        if watch.compares {
            watch.verdicts.judge(NAME, verdict);
        }
        if watch.models.is_empty() {
            watch.models.push(before);
        }
        watch.models.truncate(1);
        Ok(real)
    }

    fn renew_leases(&mut self, session: Epoch, lease_expires_at: TimestampMs) -> StoreResult<()> {
        both!(self.renew_leases(session, lease_expires_at));
        Ok(())
    }

    fn expire_leases(&mut self, now: TimestampMs) -> StoreResult<u64> {
        Ok(both!(self.expire_leases(now)))
    }

    fn insert_run(&mut self, run: &NewRun) -> StoreResult<Inserted> {
        let inserted = both!(self.insert_run(run));
        let (Inserted::Created(run)
        | Inserted::Existing(run)
        | Inserted::Idempotent(run)
        | Inserted::Pending(run)) = &inserted;
        self.touch(&run.id);
        let mut watch = self.watch.borrow_mut();
        if matches!(inserted, Inserted::Existing(_)) {
            watch.counts.saw(State::TriggerRepeated);
        }
        watch.fails_unexpectedly(None)?;
        Ok(inserted)
    }

    fn run(&mut self, run_id: &RunId) -> StoreResult<Option<Run>> {
        Ok(both!(self.run(run_id)))
    }

    fn last_request(&mut self, run_id: &RunId) -> StoreResult<Option<RequestId>> {
        Ok(both!(self.last_request(run_id)))
    }

    fn pending_of_key(&mut self, job_name: &str, key: &str) -> StoreResult<Option<RunId>> {
        Ok(both!(self.pending_of_key(job_name, key)))
    }

    fn runs(&mut self, filter: &RunFilter) -> StoreResult<RunPage> {
        // Before the first session there may be several models, and all of them have these runs.
        Ok(both!(self.runs(filter)))
    }

    fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>> {
        Ok(both!(self.steps(run_id, outputs)))
    }

    fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage> {
        Ok(both!(self.logs(query)))
    }

    fn claimable_jobs(&mut self) -> StoreResult<Vec<String>> {
        Ok(both!(self.claimable_jobs()))
    }

    fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>> {
        Ok(both!(self.promote_due(now)))
    }

    fn claim(&mut self, claim: &Claim<'_>) -> StoreResult<Vec<Claimed>> {
        let claimed = both!(self.claim(claim));
        for claimed in &claimed {
            self.touch(&claimed.run.id);
            if claimed.interrupted {
                self.watch.borrow_mut().counts.saw(State::Reclaimed);
            }
        }
        Ok(claimed)
    }

    fn adopt(
        &mut self,
        held: &Fence,
        session: Epoch,
        now: TimestampMs,
        lease_expires_at: Option<TimestampMs>,
    ) -> StoreResult<Option<Run>> {
        let adopted = both!(self.adopt(held, session, now, lease_expires_at));
        self.touch(&held.run_id);
        if adopted.is_some() {
            self.watch.borrow_mut().counts.saw(State::Adopted);
        }
        Ok(adopted)
    }

    fn release(
        &mut self,
        fence: &Fence,
        how: Release,
        now: TimestampMs,
    ) -> StoreResult<Option<RunHead>> {
        self.touch(&fence.run_id);
        Ok(both!(self.release(fence, how, now)))
    }

    fn write_step(
        &mut self,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<StepWritten>> {
        let written = both!(self.write_step(fence, outcome, report, now));
        self.touch(&fence.run_id);
        let watch = &mut *self.watch.borrow_mut();
        watch.fails_unexpectedly(Some(&fence.run_id))?;
        if let Some(written) = &written {
            let Fence { run_id, generation } = fence.clone();
            watch
                .accepted
                .insert((run_id.clone(), generation, Some(outcome.name.clone())));
            if written.repeated {
                watch.counts.saw(State::StepRepeated);
            } else {
                watch
                    .written
                    .insert((run_id, outcome.name.clone()), generation);
            }
        }
        Ok(written)
    }

    fn write_report(
        &mut self,
        fence: &Fence,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        let written = both!(self.write_report(fence, report, now));
        self.touch(&fence.run_id);
        if written.is_some() {
            self.accept(fence);
        }
        Ok(written)
    }

    fn finish_run(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        let written = both!(self.finish_run(fence, outcome, report, now));
        self.touch(&fence.run_id);
        if written.is_some() {
            self.accept(fence);
        } else if let Ok(Some(run)) = self.sqlite.run(&fence.run_id)
            && run.generation == fence.generation
            && matches!(run.status, RunStatus::Completed | RunStatus::Failed)
        {
            self.watch.borrow_mut().counts.saw(State::EndRepeated);
        }
        Ok(written)
    }

    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        self.touch(run_id);
        Ok(both!(self.cancel_run(run_id, version, request_id, now)))
    }

    fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        self.touch(run_id);
        let retried = both!(self.retry_run(run_id, version, request_id, now));
        if retried.as_ref().is_some_and(|run| run.step_count > 0) {
            self.watch.borrow_mut().counts.saw(State::RetriedWithSteps);
        }
        Ok(retried)
    }

    fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>> {
        let deleted = both!(self.delete_run(run_id));
        self.touch(run_id);
        Ok(deleted)
    }

    fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>> {
        Ok(both!(self.ended_before(before, limit)))
    }

    fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>> {
        Ok(both!(self.unreferenced_blobs(blobs)))
    }
}

impl ReferenceStore {
    fn accept(&self, fence: &Fence) {
        let mut watch = self.watch.borrow_mut();
        watch
            .accepted
            .insert((fence.run_id.clone(), fence.generation, None));
    }
}
