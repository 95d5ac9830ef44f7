//! The one exported class.

use gloo_timers::callback::Timeout;
use js_sys::{Array, Function, Uint8Array};
use serde::{Deserialize, Serialize};
use stepwell_engine::{Clock, ClockJump, Engine, EngineOptions, Store, wait_ms};
use stepwell_protocol::{BlobId, ErrorCode, Output, TimestampMs};
use stepwell_sqlite::{BlobFile, SqliteStore};
use wasm_bindgen::prelude::*;

use crate::convert::{from_js, read_inputs, report, to_js, write_output};
use crate::failure::Failure;
use crate::pool::Pool;
use crate::sources::{Randomness, Reading};
use crate::storage::{self, Durability, Storage};

/// What the host says when it opens the engine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenOptions {
    build_id: String,
    directory: String,
    durability: Durability,
    storage: Storage,
    expected_executors: u32,
    retention_ms: Option<i64>,
    payload_bytes_max: u32,
    /// The database was found damaged before: look at all of it.
    is_suspect: bool,
}

#[derive(Serialize)]
struct Jump {
    from: TimestampMs,
    to: TimestampMs,
}

/// An engine over an open database.
///
/// After a panic nothing of it may be used again, `close` included: terminate the worker.
#[wasm_bindgen]
#[derive(Debug)]
pub struct StepwellEngine {
    engine: Option<Engine<SqliteStore>>,
    /// `None` where memory holds the database.
    pool: Option<Pool>,
    clock: Clock,
    randomness: Randomness,
    on_wake: Function,
    /// The one timer: what it waits for is in the last output's `wake_at`.
    timer: Option<Timeout>,
    initial_output: Option<Output>,
    jump: Option<ClockJump>,
}

#[wasm_bindgen]
impl StepwellEngine {
    /// Opens the database, and the engine on it. `onWake` is called when a tick is due; it must not call back at once.
    /// Rejects with `{ code, message, busy }`.
    pub async fn open(options: JsValue, on_wake: Function) -> Result<StepwellEngine, JsValue> {
        let options: OpenOptions = from_js(options)
            .map_err(|error| Failure::new(ErrorCode::InvalidInput, error.to_string()))?;
        let pool = match options.storage {
            Storage::Opfs => Some(Pool::open(&options.directory).await?),
            Storage::Memory => None,
        };
        match open_engine(&options) {
            Ok(opened) => Ok(Self::new(opened, pool, on_wake)),
            Err(failure) => {
                // The next try, or another tab, must find the handles free.
                if let Some(pool) = pool {
                    pool.close()?;
                }
                Err(failure.into())
            }
        }
    }

    /// Handles a batch of `Input`s, each one line of JSON, as one transaction and returns the text of the `Output`, all of
    /// which is committed. One timer is set for its `wakeAt`.
    ///
    /// `beside` holds what stands beside the lines; afterwards, what stands beside the output.
    pub fn handle(&mut self, lines: &str, beside: &Array) -> String {
        let now = self.now();
        let inputs = read_inputs(lines, beside);
        let entropy = self.randomness.take();
        let output = self.engine_mut().handle(inputs, now, entropy);
        self.set_timer(&output, now);
        write_output(&output, beside)
    }

    /// The `Output` that opening made, as `handle` gives it. To be asked for once.
    #[wasm_bindgen(js_name = takeInitialOutput)]
    pub fn take_initial_output(&mut self, beside: &Array) -> String {
        let output = self.initial_output.take();
        write_output(&output.expect("the host asks for it once"), beside)
    }

    /// `{ from, to }` where the last batch found the wall clock far behind and followed it, else `undefined`.
    #[wasm_bindgen(js_name = takeClockJump)]
    pub fn take_clock_jump(&mut self) -> JsValue {
        to_js(
            &self
                .jump
                .take()
                .map(|ClockJump { from, to }| Jump { from, to }),
        )
    }

    /// The engine's session.
    pub fn epoch(&self) -> f64 {
        // A count of engine starts.
        #[allow(clippy::cast_precision_loss)]
        let epoch = self.engine_ref().epoch().0 as f64;
        epoch
    }

    /// The `EngineStatus`.
    pub fn status(&self) -> JsValue {
        to_js(&self.engine_ref().status())
    }

    /// How many runs executors work on now.
    #[wasm_bindgen(js_name = activeRuns)]
    pub fn active_runs(&self) -> u32 {
        u32::try_from(self.engine_ref().active_runs()).unwrap_or(u32::MAX)
    }

    /// Upkeep for an idle moment, some milliseconds long. Whether there is more to do.
    pub fn maintain(&mut self) -> bool {
        let maintained = self.engine_mut().store_mut().maintain();
        maintained.unwrap_or_else(|error| {
            // Nothing was lost and nobody waits for it: the next batch tells whether the storage still works.
            report(&format!("Stepwell's upkeep failed: {error}"));
            false
        })
    }

    /// Those of the blobs to which no run refers: what a crash left behind.
    #[wasm_bindgen(js_name = unreferencedBlobs)]
    pub fn unreferenced_blobs(&mut self, ids: Vec<String>) -> Result<Vec<String>, JsValue> {
        let ids: Vec<BlobId> = ids.into_iter().map(BlobId).collect();
        let store = self.engine_mut().store_mut();
        let unreferenced = store.unreferenced_blobs(&ids).map_err(Failure::from)?;
        Ok(unreferenced.into_iter().map(|id| id.0).collect())
    }

    /// The database as a file, with the given blobs (`[id, Uint8Array][]`) in it. Throws `{ code, message, busy }`.
    #[wasm_bindgen(js_name = exportDatabase)]
    pub fn export_database(&mut self, blobs: &Array) -> Result<Vec<u8>, JsValue> {
        let store = self.engine_mut().store_mut();
        Ok(store
            .export(&read_blob_files(blobs))
            .map_err(Failure::from)?)
    }

    /// Replaces the database by an export, after checks, and returns the blobs in it (`[id, Uint8Array][]`). Throws
    /// `{ code, message, busy }`, and nothing was written then. After it, only `close` may be called.
    #[wasm_bindgen(js_name = importDatabase)]
    pub fn import_database(&mut self, bytes: &[u8]) -> Result<Array, JsValue> {
        let store = self.engine_mut().store_mut();
        let blobs = store.import(bytes).map_err(Failure::from)?;
        Ok(blobs.iter().map(blob_file_to_js).collect())
    }

    /// Closes the database and its file handles. Nothing else may be called after it.
    pub fn close(&mut self) -> Result<(), JsValue> {
        self.timer = None;
        // The connection first: the pool refuses while a file is open.
        drop(self.engine.take());
        if let Some(pool) = self.pool.take() {
            pool.close()?;
        }
        Ok(())
    }

    /// Loses the instance, for tests of what follows.
    pub fn panic(&self) {
        panic!("a test asked for this panic");
    }
}

/// What can be saved of a damaged database (its file, with the WAL copied in), as a sound one, with the given blobs
/// (`[id, Uint8Array][]`) in it. Throws `{ code, message, busy }`.
#[wasm_bindgen(js_name = salvageDatabase)]
pub fn salvage_database(bytes: &[u8], blobs: &Array) -> Result<Vec<u8>, JsValue> {
    Ok(stepwell_sqlite::salvage(bytes, &read_blob_files(blobs)).map_err(Failure::from)?)
}

impl StepwellEngine {
    fn new(opened: Opened, pool: Option<Pool>, on_wake: Function) -> Self {
        let Opened {
            engine,
            output,
            clock,
            randomness,
            now,
        } = opened;
        let mut this = Self {
            engine: Some(engine),
            pool,
            clock,
            randomness,
            on_wake,
            timer: None,
            initial_output: None,
            jump: None,
        };
        this.set_timer(&output, now);
        this.initial_output = Some(output);
        this
    }

    fn engine_ref(&self) -> &Engine<SqliteStore> {
        self.engine
            .as_ref()
            .expect("the host calls nothing after close")
    }

    fn engine_mut(&mut self) -> &mut Engine<SqliteStore> {
        self.engine
            .as_mut()
            .expect("the host calls nothing after close")
    }

    fn now(&mut self) -> TimestampMs {
        let reading = Reading::take();
        let observed = self.clock.observe(reading.wall_ms, reading.monotonic_ms);
        self.jump = observed.jump;
        observed.now
    }

    /// Replaces the timer by one for this output.
    fn set_timer(&mut self, output: &Output, now: TimestampMs) {
        self.timer = wait_ms(output.wake_at, now).map(|wait_ms| {
            let on_wake = self.on_wake.clone();
            Timeout::new(wait_ms, move || {
                // What the host's callback throws has been reported by the host.
                drop(on_wake.call0(&JsValue::UNDEFINED));
            })
        });
    }
}

/// An engine on its database.
struct Opened {
    engine: Engine<SqliteStore>,
    output: Output,
    clock: Clock,
    randomness: Randomness,
    now: TimestampMs,
}

fn open_engine(options: &OpenOptions) -> Result<Opened, Failure> {
    let store = storage::open(options.storage, options.durability, options.is_suspect)?;
    let Reading {
        wall_ms,
        monotonic_ms,
    } = Reading::take();
    let now = TimestampMs(wall_ms);
    let engine_options = EngineOptions {
        build_id: options.build_id.clone(),
        expected_executors: options.expected_executors,
        retention_ms: options.retention_ms,
        payload_bytes_max: options.payload_bytes_max,
    };
    let mut randomness = Randomness::default();
    let (engine, output) = Engine::open(store, engine_options, now, randomness.take())?;
    let clock = Clock::new(wall_ms, monotonic_ms);
    Ok(Opened {
        engine,
        output,
        clock,
        randomness,
        now,
    })
}

fn read_blob_files(blobs: &Array) -> Vec<BlobFile> {
    blobs
        .iter()
        .filter_map(|pair| read_blob_file(&pair))
        .collect()
}

fn read_blob_file(pair: &JsValue) -> Option<BlobFile> {
    let pair = Array::from(pair);
    let id = pair.get(0).as_string()?;
    Some((BlobId(id), Uint8Array::new(&pair.get(1)).to_vec()))
}

fn blob_file_to_js((id, bytes): &BlobFile) -> Array {
    Array::of2(
        &JsValue::from_str(id.as_str()),
        &Uint8Array::from(bytes.as_slice()),
    )
}
