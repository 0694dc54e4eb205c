// A signed map on the stage (vislib/analysis/signed_fields.py): one for all places ("still"), or the
// products of a map and a kernel laid at the place ("products"). `meta` as SignedField's attributes,
// `bytes` a view on its arrays.
class SignedField {
  constructor(meta, bytes) {
    Object.assign(this, meta);
    this.signed = true;
    const array = ({ offset, length }) => new Float32Array(bytes.slice(offset, offset + length).buffer);
    this.values = array(meta.values);
    this.taps = meta.kernel ? array(meta.kernel) : null;
    this.shares = new Float64Array(this.rows * this.columns);
  }

  // The map for the place at (row, column), NaN where there is nothing; the array is used again.
  at(row, column) {
    if (this.kind === "still") this.shares.set(this.values);
    else this.multiply(row, column);
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

  // What stands below the map: numbers of the place.
  words(row, column, texts) {
    const values = { unit: this.unit, full: signedNumber(this.largest) };
    if (this.kind === "products") {
      const sum = this.shares.reduce((all, value) => all + (value || 0), 0);
      return stageFill(texts.products, { ...values, sum: signedNumber(sum), after: signedNumber(sum + this.bias) });
    }
    return stageFill(texts.here, { ...values, here: signedNumber(this.shares[row * this.columns + column]) });
  }
}

// Three digits, with a true minus.
const signedNumber = (value) =>
  (Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 0.001) ? value.toExponential(1) : String(Number(value.toPrecision(3)))).replace(/-/g, "\u2212");
