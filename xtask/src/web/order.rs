//! The order of a module's functions, so that it is sent in fewer bytes.
//!
//! What compresses the page remembers the last 32 KiB. Functions that resemble each other (what was made of one generic
//! function, copies, comparisons) repeat each other's bytes only if they stand closer than that, and the compiler leaves
//! them anywhere. So each place is given to the function that shares most with what stands before it.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload, TypeRef, WasmFeatures,
};

/// How far back functions are compared. That is half of what is remembered: the rest is left to matches further back.
const WINDOW: usize = 16_000;
/// Bytes that make a piece; functions are alike in as far as they have the same pieces.
const PIECE: usize = 5;
/// A piece that more functions have says nothing of any.
const HOLDERS_MAX: usize = 40;
/// Bytes that are added to a function's length, so that the shortest do not always come first.
const SHORT: u64 = 100;

/// The same module with its functions in another order.
///
/// # Errors
/// If it is no module, or the outcome is none.
pub(super) fn reorder(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let (imported, bodies) = functions(wasm).map_err(|error| error.to_string())?;
    let order = order(&bodies.iter().map(FunctionBody::as_bytes).collect::<Vec<_>>());
    let mut places = vec![0; order.len()];
    for (place, function) in (0..).zip(&order) {
        places[*function] = place;
    }
    let mut module = Module::new();
    let mut renumber = Renumber { imported, order, places };
    renumber.parse_core_module(&mut module, Parser::new(0), wasm).map_err(|error| error.to_string())?;
    let reordered = module.finish();
    let mut validator = wasmparser::Validator::new_with_features(WasmFeatures::all());
    validator.validate_all(&reordered).map_err(|error| error.to_string())?;
    Ok(reordered)
}

/// How many functions are imported, and the others.
fn functions(wasm: &[u8]) -> Result<(u32, Vec<FunctionBody<'_>>), wasmparser::BinaryReaderError> {
    let (mut imported, mut bodies) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    Ok((imported, bodies))
}

/// Which body stands in each place; the same for the same bodies.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let (pieces, holders) = pieces(bodies);
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let mut order = Vec::with_capacity(bodies.len());
    // What stands in the window, how often it has each piece, and how many of its pieces each function has.
    let (mut window, mut window_len) = (VecDeque::new(), 0);
    let mut counts = vec![0_u32; holders.len()];
    let mut shared = vec![0_u64; bodies.len()];
    // Of functions that share as much of their length, the first.
    let likeness =
        |function: usize, shared: &[u64]| (shared[function] << 32) / (bodies[function].len() as u64 + SHORT);
    while let Some((place, &next)) = left
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| likeness(**a, &shared).cmp(&likeness(**b, &shared)).then(b.cmp(a)))
    {
        left.swap_remove(place);
        order.push(next);
        window.push_back(next);
        window_len += bodies[next].len();
        for piece in &pieces[next] {
            counts[*piece] += 1;
            if counts[*piece] == 1 {
                holders[*piece].iter().for_each(|holder| shared[*holder] += 1);
            }
        }
        while window_len > WINDOW
            && let Some(oldest) = window.pop_front()
        {
            window_len -= bodies[oldest].len();
            for piece in &pieces[oldest] {
                counts[*piece] -= 1;
                if counts[*piece] == 0 {
                    holders[*piece].iter().for_each(|holder| shared[*holder] -= 1);
                }
            }
        }
    }
    order
}

/// The numbers of the pieces that each function has in common with some others, and the functions that have each.
fn pieces(bodies: &[&[u8]]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut by_bytes: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (function, body) in bodies.iter().enumerate() {
        for piece in body.windows(PIECE) {
            let holders = by_bytes.entry(piece).or_default();
            if holders.last() != Some(&function) {
                holders.push(function);
            }
        }
    }
    let holders: Vec<Vec<usize>> =
        by_bytes.into_values().filter(|holders| (2..=HOLDERS_MAX).contains(&holders.len())).collect();
    let mut pieces = vec![Vec::new(); bodies.len()];
    for (piece, holders) in holders.iter().enumerate() {
        holders.iter().for_each(|holder| pieces[*holder].push(piece));
    }
    (pieces, holders)
}

/// Writes a module in the new order.
struct Renumber {
    imported: u32,
    order: Vec<usize>,
    places: Vec<u32>,
}

impl Reencode for Renumber {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        let own = function.checked_sub(self.imported).map(|own| self.places[own as usize]);
        Ok(own.map_or(function, |place| self.imported + place))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for function in self.order.clone() {
            functions.function(self.type_index(types[function])?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        let bodies = section.into_iter().collect::<Result<Vec<FunctionBody<'_>>, _>>()?;
        for function in self.order.clone() {
            self.parse_function_body(code, bodies[function].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        ExportKind, ExportSection, Function, FunctionSection, ImportSection, TypeSection, ValType,
    };

    use super::*;

    /// One imported function, and of its own ones for each number one that calls the one before.
    fn module(constants: &[i64]) -> Vec<u8> {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        types.ty().function([], [ValType::I64]);
        imports.import("a", "b", wasm_encoder::EntityType::Function(0));
        let (mut functions, mut exports, mut code) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        for (before, constant) in (0..).zip(constants) {
            functions.function(0);
            exports.export(&constant.to_string(), ExportKind::Func, before + 1);
            let mut body = Function::new([]);
            body.instructions().call(before).i64_const(*constant).i64_add().end();
            code.function(&body);
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
        module.finish()
    }

    /// What each exported function adds, and which it calls.
    fn told(wasm: &[u8]) -> Vec<(String, Vec<u8>, Option<String>)> {
        let (imported, bodies) = functions(wasm).expect("a module");
        let exports: Vec<(String, u32)> = Parser::new(0)
            .parse_all(wasm)
            .filter_map(|payload| match payload.expect("a module") {
                Payload::ExportSection(section) => Some(section),
                _ => None,
            })
            .flatten()
            .map(|export| export.map(|export| (export.name.to_owned(), export.index)).expect("an export"))
            .collect();
        let name = |index: u32| exports.iter().find(|(_, own)| *own == index).map(|(name, _)| name.clone());
        let facts = exports.iter().map(|(exported, index)| {
            let body = bodies[(index - imported) as usize].as_bytes();
            // No locals, then `call` and the number.
            (exported.clone(), body[3..].to_vec(), name(u32::from(body[2])))
        });
        facts.collect()
    }

    #[test]
    fn functions_that_are_alike_stand_together_and_every_name_still_means_the_same() {
        let (a, b) = (0x1234_5678_9abc_def0, 0x0fed_cba9_8765_4321);
        let wasm = module(&[a, b, a + 1, b + 1, a + 2, b + 2]);
        let reordered = reorder(&wasm).expect("a module");
        assert_eq!(told(&wasm), told(&reordered));
        let ends = |wasm: &[u8]| -> Vec<bool> {
            let (_, bodies) = functions(wasm).expect("a module");
            bodies.iter().map(|body| body.as_bytes().len() > 1 && is_of(body.as_bytes(), a)).collect()
        };
        let kinds = ends(&reordered);
        assert_eq!(kinds.windows(2).filter(|pair| pair[0] != pair[1]).count(), 1, "{kinds:?}");
        assert_eq!(reorder(&wasm), Ok(reordered));
    }

    /// Whether a body's constant is near this one: all but the first byte of a number is the same.
    fn is_of(body: &[u8], constant: i64) -> bool {
        let mut bytes = Vec::new();
        wasm_encoder::Encode::encode(&constant, &mut bytes);
        body.windows(bytes.len() - 1).any(|window| window == &bytes[1..])
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(reorder(b"no module").is_err());
    }
}
