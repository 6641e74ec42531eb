//! Runs a compiled rule, and says in `cel-go`'s words why one stumbles.

use std::sync::Arc;

use kube_cel::KubeCelExt;
use kube_cel::cel::objects::OptionalValue;
use kube_cel::cel::{Context, ExecutionError, Program, Value};

pub(super) use kube_cel::cel::Value as Cel;

thread_local! {
    /// All functions, registered once a thread.
    static FUNCTIONS: Context<'static> = functions();
    static TIMESTAMP: Option<Program> = Program::compile("timestamp(x)").ok();
    static DURATION: Option<Program> = Program::compile("duration(x)").ok();
}

fn functions() -> Context<'static> {
    let mut context = Context::default().with_all();
    context.add_function("type", kind_of);
    for name in ["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type"] {
        context.add_variable_from_value(name, named(name));
    }
    context
}

fn named(name: &str) -> Value {
    Value::String(Arc::new(name.to_owned()))
}

/// `type(x)`: the name of the type, which the names of types are variables for.
#[expect(clippy::needless_pass_by_value, reason = "the evaluator calls functions with values")]
fn kind_of(value: Value) -> Result<Value, ExecutionError> {
    Ok(named(match value {
        Value::Int(_) => "int",
        Value::UInt(_) => "uint",
        Value::Float(_) => "double",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Map(_) => "map",
        Value::Null => "null_type",
        _ => "google.protobuf.Any",
    }))
}

/// What a rule comes to.
pub(super) enum Verdict {
    Holds,
    Fails,
    Stumbles(Failure),
}

/// Why a rule comes to nothing.
pub(super) enum Failure {
    /// The evaluator has not what the rule uses.
    Unsupported(String),
    /// An operator or a function does not take such values.
    Overload(String),
    /// Anything else.
    Said(String),
}

/// What rules are told: the value, and what it was.
pub(super) struct Scope {
    pub this: Value,
    pub before: Option<Value>,
}

impl Scope {
    /// Whether a rule holds; `optional` says that `oldSelf` is an optional.
    pub(super) fn holds(&self, program: &Program, optional: bool) -> Verdict {
        match self.run(program, optional) {
            Ok(Value::Bool(true)) => Verdict::Holds,
            Ok(Value::Bool(false)) => Verdict::Fails,
            Ok(_) => Verdict::Stumbles(Failure::Said("cel expression must evaluate to a bool".to_owned())),
            Err(error) => Verdict::Stumbles(failure(error)),
        }
    }

    /// What a message's expression says; `None` where it says nothing that can stand in one line of at most 5,120 bytes.
    pub(super) fn text(&self, program: &Program) -> Option<String> {
        const MOST: usize = 5 * 1024;
        match self.run(program, false) {
            Ok(Value::String(text)) => {
                let text = text.trim();
                (!text.is_empty() && text.len() <= MOST && !text.contains('\n')).then(|| text.to_owned())
            }
            _ => None,
        }
    }

    fn run(&self, program: &Program, optional: bool) -> Result<Value, ExecutionError> {
        FUNCTIONS.with(|functions| {
            let mut context = functions.new_inner_scope();
            context.add_variable_from_value("self", self.this.clone());
            let before = match (optional, &self.before) {
                (false, before) => before.clone(),
                (true, Some(before)) => Some(Value::Opaque(Arc::new(OptionalValue::of(before.clone())))),
                (true, None) => Some(Value::Opaque(Arc::new(OptionalValue::none()))),
            };
            if let Some(before) = before {
                context.add_variable_from_value("oldSelf", before);
            }
            program.execute(&context)
        })
    }
}

fn failure(error: ExecutionError) -> Failure {
    use ExecutionError as Error;
    match error {
        Error::NoSuchKey(key) => Failure::Said(format!("no such key: {key}")),
        Error::IndexOutOfBounds(Value::Int(at)) => Failure::Said(format!("index out of bounds: {at}")),
        Error::IndexOutOfBounds(_) => Failure::Said("index out of bounds".to_owned()),
        Error::DivisionByZero(_) => Failure::Said("division by zero".to_owned()),
        Error::RemainderByZero(_) => Failure::Said("modulus by zero".to_owned()),
        Error::Overflow(..) => Failure::Said("integer overflow".to_owned()),
        Error::FunctionError { function, .. } if function == "quantity" => Failure::Said(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                .to_owned(),
        ),
        Error::FunctionError { message, .. } => Failure::Said(message),
        Error::UndeclaredReference(name) => Failure::Unsupported(format!("it uses {name}")),
        Error::NotSupportedAsMethod { method, .. } => Failure::Unsupported(format!("it uses {method}")),
        error @ (Error::UnsupportedFunctionCallIdentifierType(_)
        | Error::UnsupportedFieldsConstruction(_)
        | Error::MissingArgumentOrTarget
        | Error::InvalidArgumentCount { .. }) => {
            let text = error.to_string();
            Failure::Unsupported(text.split(':').next().unwrap_or_default().to_lowercase())
        }
        _ => Failure::Overload("no such overload".to_owned()),
    }
}

/// A time as rules know it; `None` of what is none.
pub(super) fn timestamp(text: &str) -> Option<Value> {
    TIMESTAMP.with(|program| call(program.as_ref()?, text))
}

/// A duration as rules know it; `None` of what is none.
pub(super) fn duration(text: &str) -> Option<Value> {
    DURATION.with(|program| call(program.as_ref()?, text))
}

fn call(program: &Program, text: &str) -> Option<Value> {
    FUNCTIONS.with(|functions| {
        let mut context = functions.new_inner_scope();
        context.add_variable_from_value("x", named(text));
        program.execute(&context).ok()
    })
}
