// SPDX-License-Identifier: MIT OR Apache-2.0
// Σ code over the lanes whose weight bit is set: the AND form of a product of 2-bit codes and 1-bit weights.
// A cycle: takes LANES codes (two bit planes) and weights; the sum follows three cycles later. Where `enter` was not set with
// them, the sum may be anything.
`default_nettype none

module ernscope_dot_product #(
  parameter int LANES = 32,
  // 1: adders made for few look-up tables. 0: the plain model, the same sums and latency, fast to simulate.
  parameter int FRUGAL = 1,
  localparam int SUM = $clog2(3 * LANES + 1)
) (
  input  logic             clk,
  input  logic             enter,
  input  logic [LANES-1:0] low,
  input  logic [LANES-1:0] high,
  input  logic [LANES-1:0] weights,
  output logic [SUM-1:0]   sum
);

  if (FRUGAL != 0) begin : gen_frugal
    // Three products are six inputs: their sum is two look-up tables of six inputs, the ANDs included.
    localparam int TRIPLES = (LANES + 2) / 3;
    localparam int SPREAD = TRIPLES * 3;
    localparam int SINGLE = $clog2(TRIPLES + 1);
    localparam int DOUBLE = $clog2(2 * TRIPLES + 1);

    // Adders that rest take as many look-up tables.
    logic unused;
    assign unused = enter;

    logic [LANES-1:0] low_masked, high_masked;
    logic [SPREAD-1:0] low_products, high_products;
    logic [TRIPLES-1:0] low_sums, low_carries, high_sums, high_carries;
    logic [SINGLE-1:0] units, fours, units_counted, fours_counted;
    logic [DOUBLE-1:0] twos, twos_counted;

    assign low_masked = low & weights;
    assign high_masked = high & weights;
    assign low_products = SPREAD'(low_masked);
    assign high_products = SPREAD'(high_masked);

    for (genvar t = 0; t < TRIPLES; t++) begin : gen_triples
      logic [2:0] l, h;
      assign l = low_products[3*t +: 3];
      assign h = high_products[3*t +: 3];
      always_ff @(posedge clk) begin
        low_sums[t] <= ^l;
        low_carries[t] <= (l[0] && l[1]) || (l[2] && (l[0] || l[1]));
        high_sums[t] <= ^h;
        high_carries[t] <= (h[0] && h[1]) || (h[2] && (h[0] || h[1]));
      end
    end

    ernscope_ones #(.BITS(TRIPLES)) u_units (.bits(low_sums), .count(units_counted));
    ernscope_ones #(.BITS(2 * TRIPLES)) u_twos (.bits({low_carries, high_sums}), .count(twos_counted));
    ernscope_ones #(.BITS(TRIPLES)) u_fours (.bits(high_carries), .count(fours_counted));

    always_ff @(posedge clk) begin
      {units, twos, fours} <= {units_counted, twos_counted, fours_counted};
      sum <= SUM'(units) + SUM'({twos, 1'b0}) + SUM'({fours, 2'b0});
    end
  end else begin : gen_plain
    logic [LANES-1:0] low_products, high_products;
    logic [SUM-1:0] counted;
    logic [1:0] entered;

    // A simulation takes less time where nothing changes.
    always_ff @(posedge clk) begin
      entered <= {entered[0], enter};
      if (enter) begin
        low_products <= low & weights;
        high_products <= high & weights;
      end
      if (entered[0]) counted <= SUM'($countones(low_products)) + (SUM'($countones(high_products)) << 1);
      if (entered[1]) sum <= counted;
    end
  end

endmodule

`default_nettype wire
