// SPDX-License-Identifier: MIT OR Apache-2.0
// All codes on chip. A word is PARALLEL_IN codes of one pixel, a bit plane behind the other; column x lies in bank x mod BANKS.
// A cycle: reads the PIXELS words of columns start, start + stride, … of one row (a column a bank, whatever start and stride
// are), and three cycles later shows them, with 0 for every pixel outside `shown`; writes a word, the same address of PIXELS
// neighbouring banks, for the output unit, else one word for the frame loader, which is told so by `loader_ready`.
`default_nettype none

module ernscope_code_memory #(
  parameter int PARALLEL_IN = 32,
  parameter int PIXELS = 1,
  parameter int DEPTH = 8192,
  // Two neighbouring groups of pixels, for rows to be read with stride 2.
  localparam int BANKS = (PIXELS == 1) ? 1 : 2 * PIXELS,
  localparam int BANK = (BANKS == 1) ? 1 : $clog2(BANKS),
  localparam int ADDRESS = $clog2(DEPTH)
) (
  input  logic                               clk,

  input  logic                               read,
  input  logic [ADDRESS-1:0]                 read_address,   // of the first column
  input  logic [ADDRESS-1:0]                 read_next,      // of the same word, BANKS columns further
  input  logic [BANK-1:0]                    read_bank,      // of the first column
  input  logic                               read_stride_2,
  input  logic [PIXELS-1:0]                  shown,
  output logic [PIXELS-1:0][PARALLEL_IN-1:0] low,
  output logic [PIXELS-1:0][PARALLEL_IN-1:0] high,

  input  logic                               write,
  input  logic [ADDRESS-1:0]                 write_address,
  input  logic                               write_upper,    // the upper half of the banks
  input  logic [PIXELS-1:0][2*PARALLEL_IN-1:0] write_data,

  input  logic                               loader_write,
  output logic                               loader_ready,
  input  logic [ADDRESS-1:0]                 loader_address,
  input  logic [BANK-1:0]                    loader_bank,
  input  logic [2*PARALLEL_IN-1:0]           loader_data
);

  localparam int WORD = 2 * PARALLEL_IN;

  logic [BANKS-1:0][WORD-1:0] words_read, words;
  logic [1:0][BANK-1:0] bank_behind;
  logic [1:0] stride_2_behind;
  logic [1:0][PIXELS-1:0] shown_behind;

  assign loader_ready = !write;

  for (genvar b = 0; b < BANKS; b++) begin : gen_banks
    logic ours, we;
    logic [ADDRESS-1:0] raddr, waddr;
    logic [WORD-1:0] wdata;
    // Banks before the first column's hold columns behind it.
    if (b == BANKS - 1) begin : gen_last
      assign raddr = read_address;
    end else begin : gen_wrapping
      assign raddr = (BANK'(b) < read_bank) ? read_next : read_address;
    end
    assign ours = write && (BANKS == 1 || write_upper == (b >= PIXELS));
    assign we = ours || (loader_write && !write && loader_bank == BANK'(b));
    assign waddr = write ? write_address : loader_address;
    assign wdata = write ? write_data[b % PIXELS] : loader_data;
    ernscope_memory #(.WIDTH(WORD), .DEPTH(DEPTH)) u_bank (
      .clk, .we, .waddr, .wdata, .re(read), .raddr, .rdata(words_read[b])
    );
  end

  if (BANKS == 1) begin : gen_no_halves
    // One bank has no halves and no further columns.
    logic unused;
    assign unused = &{1'b0, write_upper, read_next, read_bank, bank_behind, stride_2_behind, loader_bank[0]};
  end

  always_ff @(posedge clk) begin
    words <= words_read;
    bank_behind <= {bank_behind[0], read_bank};
    stride_2_behind <= {stride_2_behind[0], read_stride_2};
    shown_behind <= {shown_behind[0], shown};
  end

  for (genvar p = 0; p < PIXELS; p++) begin : gen_pixels
    logic [WORD-1:0] word;
    if (BANKS == 1) begin : gen_direct
      assign word = words[0];
    end else begin : gen_turned
      logic [BANK-1:0] bank;
      assign bank = bank_behind[1] + (stride_2_behind[1] ? BANK'(2 * p) : BANK'(p));
      assign word = words[bank];
    end
    always_ff @(posedge clk) {high[p], low[p]} <= shown_behind[1][p] ? word : '0;
  end

endmodule

`default_nettype wire
