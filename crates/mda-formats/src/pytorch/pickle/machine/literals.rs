//! Opcodes that carry their value: numbers, texts, bytes.

use super::super::{PickleError, Value};
use super::*;

impl<'a> Machine<'a> {
    pub(super) fn integer(&mut self, opcode: u8) -> Result<(), PickleError> {
        let value = match opcode {
            BININT => Value::Int(i64::from(self.cursor.unsigned::<4>()? as u32 as i32)),
            BININT1 => Value::Int(self.cursor.unsigned::<1>()? as i64),
            BININT2 => Value::Int(self.cursor.unsigned::<2>()? as i64),
            LONG1 | LONG4 => {
                let length =
                    if opcode == LONG1 { self.cursor.unsigned::<1>()? } else { self.cursor.unsigned::<4>()? };
                little_endian(self.cursor.take(length)?)
            }
            _ => self.decimal()?,
        };
        self.push(value);
        Ok(())
    }

    /// A line with a number, where protocols 0 and 1 also write truth values.
    pub(super) fn decimal(&mut self) -> Result<Value<'a>, PickleError> {
        let line = self.cursor.line()?;
        let digits = line.strip_suffix(b"L").unwrap_or(line);
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        match (line, number) {
            (b"00", _) => Ok(Value::Bool(false)),
            (b"01", _) => Ok(Value::Bool(true)),
            (_, Some(number)) => Ok(Value::Int(number)),
            _ if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => Ok(Value::HugeInt),
            _ => Err(self.missing("a decimal number")),
        }
    }

    pub(super) fn float(&mut self, opcode: u8) -> Result<(), PickleError> {
        if opcode == FLOAT {
            self.cursor.line()?
        } else {
            self.cursor.take(8)?
        };
        self.push(Value::Float);
        Ok(())
    }

    pub(super) fn text(&mut self, opcode: u8) -> Result<(), PickleError> {
        let length = match opcode {
            SHORT_BINSTRING | SHORT_BINUNICODE => self.cursor.unsigned::<1>()?,
            BINSTRING | BINUNICODE => self.cursor.unsigned::<4>()?,
            _ => self.cursor.unsigned::<8>()?,
        };
        // The strings of Python 2 are bytes of any encoding.
        let value = std::str::from_utf8(self.cursor.take(length)?).map_or(Value::Bytes, Value::Text);
        self.push(value);
        Ok(())
    }

    pub(super) fn bytes(&mut self, opcode: u8) -> Result<(), PickleError> {
        let length = match opcode {
            SHORT_BINBYTES => self.cursor.unsigned::<1>()?,
            BINBYTES => self.cursor.unsigned::<4>()?,
            _ => self.cursor.unsigned::<8>()?,
        };
        self.cursor.take(length)?;
        self.push(Value::Bytes);
        Ok(())
    }
}

/// A two's complement number of any length.
fn little_endian<'a>(bytes: &[u8]) -> Value<'a> {
    let negative = bytes.last().is_some_and(|&byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    match wide.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(wide))
        }
        None => Value::HugeInt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_integers_are_two_complement() {
        assert_eq!(little_endian(&[]), Value::Int(0));
        assert_eq!(little_endian(&[0xff]), Value::Int(-1));
        assert_eq!(little_endian(&[0xff, 0x00]), Value::Int(255));
        assert_eq!(little_endian(&[0x00, 0x80]), Value::Int(-32768));
        assert_eq!(little_endian(&[1; 9]), Value::HugeInt);
    }
}
