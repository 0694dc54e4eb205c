// A signed map on the stage (vislib/analysis/signed_fields.py): one for all places ("still"), the
// products of a map and a kernel laid at the place ("products"), or the cosines of the place's token
// and all others ("factors"). `meta` as SignedField's attributes, `bytes` a view on its arrays.
class SignedField {
  constructor(meta, bytes) {
    Object.assign(this, meta);
    this.signed = true;
    const types = { float32: Float32Array, int16: Int16Array, int8: Int8Array };
    const array = ({ type, offset, length }) => new types[type](bytes.slice(offset, offset + length).buffer);
    this.values = array(meta.values);
    this.taps = meta.kernel ? array(meta.kernel) : null;
    if (this.kind === "factors") this.values = this.unitLength();
    this.shares = new Float64Array(this.rows * this.columns);
  }

  // Each token as a row of length 1; a row of zeros stays as it is.
  unitLength() {
    const places = this.rows * this.columns;
    const count = this.values.length / places;
    const units = new Float32Array(this.values.length);
    for (let start = 0; start < units.length; start += count) {
      let square = 0;
      for (let i = start; i < start + count; i += 1) square += this.values[i] ** 2;
      const length = Math.sqrt(square);
      for (let i = start; length > 0 && i < start + count; i += 1) units[i] = this.values[i] / length;
    }
    return units;
  }

  // The map for the place at (row, column), NaN where there is nothing; the array is used again.
  at(row, column) {
    if (this.kind === "still") this.shares.set(this.values);
    else if (this.kind === "products") this.multiply(row, column);
    else this.compare(row * this.columns + column);
    return this.shares;
  }

  multiply(row, column) {
    this.shares.fill(NaN);
    const [down, across] = this.sides;
    for (let ky = 0; ky < down; ky += 1) {
      for (let kx = 0; kx < across; kx += 1) {
        const [y, x] = [row - ((down - 1) >> 1) + ky, column - ((across - 1) >> 1) + kx];
        if (y < 0 || x < 0 || y >= this.rows || x >= this.columns) continue;
        this.shares[y * this.columns + x] = this.values[y * this.columns + x] * this.taps[ky * across + kx];
      }
    }
  }

  compare(place) {
    const count = this.values.length / this.shares.length;
    const own = this.values.subarray(place * count, (place + 1) * count);
    for (let i = 0, at = 0; i < this.shares.length; i += 1) {
      let sum = 0;
      for (let k = 0; k < count; k += 1, at += 1) sum += this.values[at] * own[k];
      this.shares[i] = sum;
    }
  }

  // What stands below the map: numbers of the place.
  words(row, column, texts) {
    const values = { unit: this.unit, full: signedNumber(this.largest) };
    if (this.kind === "products") {
      const sum = this.shares.reduce((all, value) => all + (value || 0), 0);
      return stageFill(texts.products, { ...values, sum: signedNumber(sum), after: signedNumber(sum + this.bias) });
    }
    if (this.kind === "factors") return stageFill(texts.similar, this.means(row, column));
    return stageFill(texts.here, { ...values, here: signedNumber(this.shares[row * this.columns + column]) });
  }

  // Mean cosine to the up to eight neighbours, and to all other places.
  means(row, column) {
    const mean = (from, to, left, right) => {
      let [sum, count] = [-this.shares[row * this.columns + column], -1];
      for (let y = Math.max(0, from); y <= Math.min(to, this.rows - 1); y += 1) {
        for (let x = Math.max(0, left); x <= Math.min(right, this.columns - 1); x += 1) {
          sum += this.shares[y * this.columns + x];
          count += 1;
        }
      }
      return (count > 0 ? sum / count : 0).toFixed(2).replace("-", "\u2212");
    };
    return {
      near: mean(row - 1, row + 1, column - 1, column + 1),
      far: mean(0, this.rows - 1, 0, this.columns - 1),
    };
  }
}

// Three digits, with a true minus.
const signedNumber = (value) =>
  (Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? value.toExponential(1) : String(Number(value.toPrecision(3)))).replace(/-/g, "\u2212");
