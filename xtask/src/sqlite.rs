//! SQLite as the browser's build has it: without what no statement of ours uses.
//!
//! Flags leave most of it out. Some of them are meant for a build that also makes its parser anew, and the one in the
//! published source knows the whole language. So the parser's calls to what is left out are replaced in a copy of that
//! source: a statement that needs such a thing is an error there, as any other wrong statement is.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// For `sqlite-wasm-rs`, which turns much on.
pub(crate) const FLAGS: [&str; 49] = [
    "-DSQLITE_DEFAULT_MEMSTATUS=0",
    "-DSQLITE_DQS=0",
    "-DSQLITE_OMIT_ALTERTABLE",
    "-DSQLITE_OMIT_ANALYZE",
    "-DSQLITE_OMIT_AUTHORIZATION",
    "-DSQLITE_OMIT_AUTOINCREMENT",
    "-DSQLITE_OMIT_AUTOMATIC_INDEX",
    "-DSQLITE_OMIT_BETWEEN_OPTIMIZATION",
    "-DSQLITE_OMIT_CASE_SENSITIVE_LIKE_PRAGMA",
    "-DSQLITE_OMIT_COMPILEOPTION_DIAGS",
    "-DSQLITE_OMIT_COMPLETE",
    "-DSQLITE_OMIT_CTE",
    "-DSQLITE_OMIT_DECLTYPE",
    "-DSQLITE_OMIT_EXPLAIN",
    "-DSQLITE_OMIT_FLAG_PRAGMAS",
    "-DSQLITE_OMIT_FOREIGN_KEY",
    "-DSQLITE_OMIT_GENERATED_COLUMNS",
    "-DSQLITE_OMIT_GET_TABLE",
    "-DSQLITE_OMIT_HEX_INTEGER",
    "-DSQLITE_OMIT_INCRBLOB",
    "-DSQLITE_OMIT_JSON",
    "-DSQLITE_OMIT_LIKE_OPTIMIZATION",
    "-DSQLITE_OMIT_OR_OPTIMIZATION",
    "-DSQLITE_OMIT_PROGRESS_CALLBACK",
    "-DSQLITE_OMIT_REINDEX",
    "-DSQLITE_OMIT_SCHEMA_PRAGMAS",
    "-DSQLITE_OMIT_TCL_VARIABLE",
    "-DSQLITE_OMIT_TRACE",
    "-DSQLITE_OMIT_UTF16",
    "-DSQLITE_OMIT_VACUUM",
    "-DSQLITE_OMIT_VIEW",
    "-DSQLITE_OMIT_VIRTUALTABLE",
    "-DSQLITE_OMIT_WINDOWFUNC",
    "-DSQLITE_OMIT_XFER_OPT",
    "-DSQLITE_UNTESTABLE",
    "-USQLITE_ENABLE_API_ARMOR",
    "-USQLITE_ENABLE_BYTECODE_VTAB",
    "-USQLITE_ENABLE_COLUMN_METADATA",
    "-USQLITE_ENABLE_DBPAGE_VTAB",
    "-USQLITE_ENABLE_DBSTAT_VTAB",
    "-USQLITE_ENABLE_FTS5",
    "-USQLITE_ENABLE_MATH_FUNCTIONS",
    "-USQLITE_ENABLE_OFFSET_SQL_FUNC",
    "-USQLITE_ENABLE_PREUPDATE_HOOK",
    "-USQLITE_ENABLE_RTREE",
    "-USQLITE_ENABLE_SESSION",
    "-USQLITE_ENABLE_STMTVTAB",
    "-USQLITE_ENABLE_UNKNOWN_SQL_FUNCTION",
    "-USQLITE_ENABLE_UNLOCK_NOTIFY",
];

/// Instructions that rustc uses by default, for a clang whose default is older.
pub(crate) const CFLAGS: &str =
    "-mbulk-memory -ftls-model=local-exec -mnontrapping-fptoint -msign-ext";

/// What the parser calls for statements and clauses that are left out. Triggers have no flag here: SQLite makes
/// RETURNING of them. ATTACH stays: `sqlite3_deserialize` runs it.
const LEFT_OUT: [&str; 38] = [
    "sqlite3AddGenerated",
    "sqlite3AlterAddConstraint",
    "sqlite3AlterBeginAddColumn",
    "sqlite3AlterDropColumn",
    "sqlite3AlterDropConstraint",
    "sqlite3AlterFinishAddColumn",
    "sqlite3AlterRenameColumn",
    "sqlite3AlterRenameTable",
    "sqlite3AlterSetNotNull",
    "sqlite3Analyze",
    "sqlite3BeginTrigger",
    "sqlite3CreateForeignKey",
    "sqlite3CreateView",
    "sqlite3CteNew",
    "sqlite3DeferForeignKey",
    "sqlite3DeleteTriggerStep",
    "sqlite3Detach",
    "sqlite3DropTrigger",
    "sqlite3FinishTrigger",
    "sqlite3Reindex",
    "sqlite3TriggerDeleteStep",
    "sqlite3TriggerInsertStep",
    "sqlite3TriggerSelectStep",
    "sqlite3TriggerUpdateStep",
    "sqlite3Vacuum",
    "sqlite3VtabArgExtend",
    "sqlite3VtabArgInit",
    "sqlite3VtabBeginParse",
    "sqlite3VtabFinishParse",
    "sqlite3WindowAlloc",
    "sqlite3WindowAssemble",
    "sqlite3WindowAttach",
    "sqlite3WindowChain",
    "sqlite3WindowDelete",
    "sqlite3WindowListDelete",
    "sqlite3WithAdd",
    "sqlite3WithDelete",
    "sqlite3WithPush",
];

/// How the parser keeps a WINDOW clause: in a field that is left out.
const WINDOW_CLAUSE: &str = "yymsp[-9].minor.yy555->pWinDefn = yymsp[-2].minor.yy211";

/// What stands behind functions that our SQL does not call.
const UNUSED_FUNCTIONS: [&str; 29] = [
    "absFunc",
    "bytelengthFunc",
    "charFunc",
    "concatFunc",
    "concatwsFunc",
    "errlogFunc",
    "globInfo",
    "hexFunc",
    "instrFunc",
    "likeInfo",
    "lowerFunc",
    "nullifFunc",
    "printfFunc",
    "quoteFunc",
    "randomBlob",
    "randomFunc",
    "replaceFunc",
    "roundFunc",
    "signFunc",
    "sourceidFunc",
    "substrFunc",
    "sumStep",
    "trimFunc",
    "unhexFunc",
    "unicodeFunc",
    "unistrFunc",
    "upperFunc",
    "versionFunc",
    "zeroblobFunc",
];

/// Functions of dates and times: SQLite's flag would replace three of them by others that need a C library.
const DATE_FUNCTIONS: &str = "  sqlite3RegisterDateTimeFunctions();\n";

const PREFACE: &str =
    "#define leftOut(...) (sqlite3ErrorMsg(pParse, \"left out of this build\"), 0)\n";

/// Goes with VACUUM. This other call is for a file control that nobody sends.
const CACHE_RESET: &str = "    sqlite3PagerClearCache(pBt->pPager);\n";

/// The folder with the source that `sqlite-wasm-rs` shall compile.
pub(crate) fn source(root: &Path) -> Result<PathBuf> {
    let published = published_source(root)?;
    let folder = root.join("target/xtask-wasm/sqlite");
    std::fs::create_dir_all(&folder)?;
    let source = std::fs::read_to_string(published.join("sqlite3.c"))?;
    write_if_new(&folder.join("sqlite3.c"), &pruned(&source)?)?;
    let header = std::fs::read_to_string(published.join("sqlite3.h"))?;
    write_if_new(&folder.join("sqlite3.h"), &header)?;
    Ok(folder)
}

/// Where cargo has put the source of the `sqlite-wasm-rs` that the lock file names.
fn published_source(root: &Path) -> Result<PathBuf> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .context("cargo metadata could not be started")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array();
    let manifest = packages
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "sqlite-wasm-rs")
        .and_then(|package| package["manifest_path"].as_str())
        .context("cargo metadata knows no sqlite-wasm-rs")?;
    Ok(Path::new(manifest).with_file_name("sqlite3"))
}

fn pruned(source: &str) -> Result<String> {
    let (before, rest) = split(source, "/************** Begin file parse.c ")?;
    let (parser, after) = split(rest, "/************** End of parse.c ")?;
    let mut parser = replaced(parser, WINDOW_CLAUSE, "leftOut()")?;
    for function in LEFT_OUT {
        parser = replaced(&parser, &format!("{function}("), "leftOut(")?;
    }
    let before = replaced(before, DATE_FUNCTIONS, "")?;
    let before = without_functions(&replaced(&before, CACHE_RESET, "")?)?;
    Ok([PREFACE, &before, &parser, after].concat())
}

/// Each function has its line in a table.
fn without_functions(source: &str) -> Result<String> {
    let (before, rest) = split(source, "  static FuncDef aBuiltinFunc[] = {")?;
    let (table, after) = split(rest, "  };")?;
    let is_used = |line: &&str| !UNUSED_FUNCTIONS.iter().any(|name| line.contains(name));
    let kept: String = table.split_inclusive('\n').filter(is_used).collect();
    Ok([before, &kept, after].concat())
}

fn split<'a>(source: &'a str, mark: &str) -> Result<(&'a str, &'a str)> {
    let at = source
        .find(mark)
        .with_context(|| format!("SQLite's source has no {mark:?} any more"))?;
    Ok(source.split_at(at))
}

fn replaced(source: &str, from: &str, to: &str) -> Result<String> {
    ensure!(
        source.contains(from),
        "SQLite's source has no {from:?} any more"
    );
    Ok(source.replace(from, to))
}

/// A file that is as it should be keeps its time: cargo would compile it again.
fn write_if_new(file: &Path, content: &str) -> Result<()> {
    if std::fs::read_to_string(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    Ok(std::fs::write(file, content)?)
}
