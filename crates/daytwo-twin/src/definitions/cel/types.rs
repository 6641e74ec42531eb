//! What can be said against a rule without running it: names that do not exist, text held against numbers, a rule that
//! is no yes or no. `cel-go`'s checker says more; what it alone would refuse is taken here.

use std::rc::Rc;

use kube_cel::cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue};

use super::compile;
use crate::definitions::schema::{Additional, Schema};

/// What is wrong with an expression over values of `schema`, in the server's words; `wanted` is `bool` or `string`.
/// `root` says that the values are whole resources.
pub(crate) fn complaints(text: &str, schema: &Schema, root: bool, wanted: &str) -> Option<Complaint> {
    let program = match compile(text) {
        Ok(program) => program,
        Err(error) => return Some(Complaint::Compilation(error)),
    };
    let this = if root { Type::Object(schema, true) } else { Type::of(schema) };
    let names = Names {
        text,
        own: &["self", "oldSelf"],
        this: Some(&this),
        name: "",
        kind: &Type::Dynamic,
        above: None,
    };
    match infer(program.expression(), &names) {
        Err(error) => Some(Complaint::Compilation(error)),
        Ok(found) => match found.name() {
            Some(name) if name != wanted => Some(Complaint::Kind),
            _ => None,
        },
    }
}

/// One thing that is wrong.
pub(crate) enum Complaint {
    /// It does not compile, in the compiler's words.
    Compilation(String),
    /// It comes to something else than is wanted.
    Kind,
}

#[derive(Clone)]
enum Type<'a> {
    /// Not known, or anything.
    Dynamic,
    Object(&'a Schema, bool),
    List(Rc<Type<'a>>),
    Map(Rc<Type<'a>>),
    Plain(&'static str),
}

impl<'a> Type<'a> {
    fn of(schema: &'a Schema) -> Self {
        let inner = |schema: &'a Schema| Rc::new(Type::of(schema));
        match (schema.kind.as_str(), schema.checks.format.as_str()) {
            _ if schema.int_or_string => Type::Dynamic,
            ("string", "date" | "date-time") => Type::Plain("google.protobuf.Timestamp"),
            ("string", "duration") => Type::Plain("google.protobuf.Duration"),
            ("string", "byte") => Type::Plain("bytes"),
            ("string", _) => Type::Plain("string"),
            ("integer", _) => Type::Plain("int"),
            ("number", _) => Type::Plain("double"),
            ("boolean", _) => Type::Plain("bool"),
            ("array", _) => Type::List(schema.items.as_deref().map_or_else(|| Rc::new(Type::Dynamic), inner)),
            ("object", _) => match &schema.additional {
                Additional::Like(values) => Type::Map(inner(values)),
                _ => Type::Object(schema, schema.embedded),
            },
            _ => Type::Dynamic,
        }
    }

    /// The name, where it is known.
    fn name(&self) -> Option<&'static str> {
        match self {
            Type::Dynamic => None,
            Type::Object(..) => Some("object"),
            Type::List(_) => Some("list"),
            Type::Map(_) => Some("map"),
            Type::Plain(name) => Some(name),
        }
    }

    fn field(&self, name: &str) -> Option<Type<'a>> {
        match self {
            Type::Object(schema, root) => {
                let declared = schema.properties.iter();
                let mut found = declared
                    .filter(|(known, _)| super::convert::escape(known).as_deref() == Some(name))
                    .map(|(_, schema)| schema);
                match (found.next_back(), root, name) {
                    (_, true, "metadata") => Some(Type::Dynamic),
                    (_, true, "apiVersion" | "kind") => Some(Type::Plain("string")),
                    (Some(schema), ..) => Some(Type::of(schema)),
                    _ => None,
                }
            }
            Type::Map(values) => Some((**values).clone()),
            Type::Plain(_) | Type::List(_) => None,
            Type::Dynamic => Some(Type::Dynamic),
        }
    }
}

/// The names that mean something at a place of an expression.
struct Names<'a, 'b> {
    text: &'b str,
    own: &'b [&'b str],
    this: Option<&'b Type<'a>>,
    name: &'b str,
    kind: &'b Type<'a>,
    above: Option<&'b Names<'a, 'b>>,
}

impl<'a, 'b> Names<'a, 'b> {
    fn with(&'b self, name: &'b str, kind: &'b Type<'a>) -> Names<'a, 'b> {
        Names { text: self.text, own: &[], this: None, name, kind, above: Some(self) }
    }

    fn get(&self, name: &str) -> Option<Type<'a>> {
        const TYPES: [&str; 9] =
            ["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type"];
        if self.name == name && !name.is_empty() {
            return Some(self.kind.clone());
        }
        match (self.above, self.this) {
            (Some(above), _) => above.get(name),
            (None, Some(this)) if self.own.contains(&name) => {
                Some(if name == "self" { this.clone() } else { Type::Dynamic })
            }
            _ => {
                (TYPES.contains(&name) || matches!(name, "type" | "dyn" | "google")).then_some(Type::Dynamic)
            }
        }
    }

    /// A complaint about the place where `needle` begins; `shift` characters later.
    fn at(&self, needle: &str, what: &str) -> String {
        let word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let bytes = self.text.as_bytes();
        let stands = |at: usize| {
            let after = bytes.get(at + needle.len()).copied();
            let before = at.checked_sub(1).and_then(|at| bytes.get(at).copied());
            let named = needle.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_');
            let starts = needle.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
            !(named && word(after)) && !(starts && (word(before) || before == Some(b'.')))
        };
        let found = self.text.match_indices(needle).map(|(at, _)| at).find(|at| stands(*at)).unwrap_or(0);
        let start = self.text[..found].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let column = self.text[start..found].chars().count() + 1;
        let row = self.text[..found].matches('\n').count() + 1;
        format!("ERROR: <input>:{row}:{column}: {what}\n | {line}\n | {}^", ".".repeat(column - 1))
    }
}

/// Macros that the parser does not know, and leaves as calls: the names in them mean nothing here.
const OPAQUE: [&str; 13] = [
    "all",
    "exists",
    "exists_one",
    "existsOne",
    "map",
    "filter",
    "sortBy",
    "transformList",
    "transformMap",
    "transformMapEntry",
    "optMap",
    "optFlatMap",
    "bind",
];

fn infer<'a>(expression: &IdedExpr, names: &Names<'a, '_>) -> Result<Type<'a>, String> {
    match &expression.expr {
        Expr::Ident(name) => names
            .get(name)
            .ok_or_else(|| names.at(name, &format!("undeclared reference to '{name}' (in container '')"))),
        Expr::Select(select) => {
            let operand = infer(&select.operand, names)?;
            let found = operand.field(&select.field);
            let found = found.ok_or_else(|| match operand {
                Type::Object(..) => {
                    names.at(&format!(".{}", select.field), &format!("undefined field '{}'", select.field))
                }
                _ => {
                    let kind = operand.name().unwrap_or("dyn");
                    names.at(
                        &format!(".{}", select.field),
                        &format!("type '{kind}' does not support field selection"),
                    )
                }
            })?;
            Ok(if select.test { Type::Plain("bool") } else { found })
        }
        Expr::Call(call) => infer_call(call, names),
        Expr::Comprehension(comprehension) => infer_comprehension(comprehension, names),
        Expr::List(list) => {
            list.elements.iter().try_for_each(|element| infer(element, names).map(drop))?;
            Ok(Type::List(Rc::new(Type::Dynamic)))
        }
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    infer(&entry.key, names)?;
                    infer(&entry.value, names)?;
                }
            }
            Ok(Type::Map(Rc::new(Type::Dynamic)))
        }
        Expr::Literal(literal) => Ok(match literal {
            LiteralValue::Boolean(_) => Type::Plain("bool"),
            LiteralValue::String(_) => Type::Plain("string"),
            LiteralValue::Int(_) => Type::Plain("int"),
            LiteralValue::Double(_) => Type::Plain("double"),
            LiteralValue::Bytes(_) => Type::Plain("bytes"),
            LiteralValue::UInt(_) => Type::Plain("uint"),
            LiteralValue::Null => Type::Dynamic,
        }),
        _ => Ok(Type::Dynamic),
    }
}

fn infer_call<'a>(call: &CallExpr, names: &Names<'a, '_>) -> Result<Type<'a>, String> {
    let function = call.func_name.as_str();
    // A name before a function may be the name of its library.
    let library = matches!(call.target.as_deref(), Some(IdedExpr { expr: Expr::Ident(name), .. }) if names.get(name).is_none());
    if OPAQUE.contains(&function) || library {
        return Ok(Type::Dynamic);
    }
    if let Some(target) = &call.target {
        infer(target, names)?;
    }
    let types = call.args.iter().map(|one| infer(one, names)).collect::<Result<Vec<_>, _>>()?;
    if let ([one, other], Some(sign)) = (&types[..], sign(function))
        && let (Some(one), Some(other)) = (one.name(), other.name())
    {
        let text = |name: &str| name == "string";
        let number = |name: &str| matches!(name, "int" | "double" | "bool");
        if (text(one) && number(other)) || (number(one) && text(other)) {
            let what = format!("found no matching overload for '{function}' applied to '({one}, {other})'");
            return Err(names.at(sign, &what));
        }
    }
    Ok(match (function, &types[..]) {
        (
            "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" | "_&&_" | "_||_" | "!_" | "@in" | "_in_"
            | "startsWith" | "endsWith" | "contains" | "matches",
            _,
        ) => Type::Plain("bool"),
        ("size" | "int", _) => Type::Plain("int"),
        ("string", _) => Type::Plain("string"),
        ("_+_", [one, other]) if one.name() == other.name() => one.clone(),
        ("_?_:_", [_, one, other]) if one.name() == other.name() => one.clone(),
        ("_[_]", [Type::List(element) | Type::Map(element), _]) => (**element).clone(),
        _ => Type::Dynamic,
    })
}

fn sign(function: &str) -> Option<&'static str> {
    ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|sign| function == format!("_{sign}_"))
}

fn infer_comprehension<'a>(of: &ComprehensionExpr, names: &Names<'a, '_>) -> Result<Type<'a>, String> {
    let element = match infer(&of.iter_range, names)? {
        Type::List(element) => (*element).clone(),
        Type::Map(_) => Type::Plain("string"),
        _ => Type::Dynamic,
    };
    let start = infer(&of.accu_init, names)?;
    let names = names.with(&of.iter_var, &element);
    let names = names.with(of.iter_var2.as_deref().unwrap_or_default(), &Type::Dynamic);
    let names = names.with(&of.accu_var, &Type::Dynamic);
    infer(&of.loop_cond, &names)?;
    infer(&of.loop_step, &names)?;
    infer(&of.result, &names)?;
    // `exists_one` counts; what it comes to is a comparison.
    Ok(match (start.name(), &of.result.expr) {
        (Some("bool"), _) => Type::Plain("bool"),
        (Some("int"), Expr::Call(_)) => Type::Plain("bool"),
        (Some("list"), Expr::Ident(_)) => Type::List(Rc::new(Type::Dynamic)),
        _ => Type::Dynamic,
    })
}
