//! Compiles rules, whatever they are: the parser recurses, so it gets a stack of its own, and what it makes is taken only
//! where it is shallow enough for those who walk it later.

use kube_cel::cel::Program;
use kube_cel::cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// How deep an expression may be nested; the server's parser stops at 250.
const MOST_DEPTH: usize = 150;
/// How long a rule may be; the server's parser takes 100,000, which this one would be minutes over.
const MOST_LENGTH: usize = 10_000;
/// Never touched but by rules that are refused.
const STACK: usize = 512 * 1024 * 1024;

/// The program of a rule.
///
/// # Errors
/// A syntax error as `cel-go` prints it.
pub(crate) fn compile(text: &str) -> Result<Program, String> {
    let length = text.chars().count();
    if length > MOST_LENGTH {
        let what = format!("expression code point size exceeds limit: size: {length}, limit {MOST_LENGTH}");
        return Err(format!("ERROR: <input>:-1:0: {what}"));
    }
    let limit = || "ERROR: <input>:-1:0: expression recursion limit exceeded: 250".to_owned();
    let compiled = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || {
            let program =
                Program::compile(text).map_err(|errors| errors.to_string().replace("\n| ", "\n | "))?;
            match deeper(program.expression(), MOST_DEPTH) {
                true => Err(limit()),
                false => Ok(program),
            }
        });
        // The parser's count of its own depth may panic where a rule is too deep.
        thread.ok().and_then(|thread| thread.join().ok())
    });
    compiled.unwrap_or_else(|| Err(limit()))
}

fn deeper(expression: &IdedExpr, most: usize) -> bool {
    let Some(most) = most.checked_sub(1) else { return true };
    let any = |list: &[IdedExpr]| list.iter().any(|one| deeper(one, most));
    match &expression.expr {
        Expr::Call(call) => {
            call.target.as_deref().is_some_and(|target| deeper(target, most)) || any(&call.args)
        }
        Expr::Select(select) => deeper(&select.operand, most),
        Expr::List(list) => any(&list.elements),
        Expr::Comprehension(of) => {
            let parts = [&of.iter_range, &of.accu_init, &of.loop_cond, &of.loop_step, &of.result];
            parts.into_iter().any(|part| deeper(part, most))
        }
        Expr::Map(map) => map.entries.iter().any(|entry| entry_deeper(&entry.expr, most)),
        Expr::Struct(of) => of.entries.iter().any(|entry| entry_deeper(&entry.expr, most)),
        _ => false,
    }
}

fn entry_deeper(entry: &EntryExpr, most: usize) -> bool {
    match entry {
        EntryExpr::MapEntry(entry) => deeper(&entry.key, most) || deeper(&entry.value, most),
        EntryExpr::StructField(field) => deeper(&field.value, most),
    }
}

#[cfg(test)]
mod tests;
