// SPDX-License-Identifier: MIT OR Apache-2.0
// The weight window: any word that is read is the one that came at its place in the stream, whenever words come, whenever they are
// read and let go of, as long as what reads them keeps to what is there (ernscope_sequencer's own assertions).
`default_nettype none

module weight_window_proof (
  input logic clk,
  input logic rst,
  input logic word_valid,
  input logic [3:0] word,
  input logic reads
);

  localparam int DEPTH = 8;
  localparam int ADDRESS = 3;

  logic word_ready, read;
  logic [ADDRESS:0] written, freed, at;
  logic [ADDRESS-1:0] read_address;
  logic [3:0] read_word;

  ernscope_weight_window #(.WIDTH(4), .DEPTH(DEPTH)) u_window (
    .clk, .rst, .word_valid, .word_ready, .word, .written, .freed, .read, .read_address, .read_word
  );

  // What reads: some word that is there and kept; it lets go of some of them, and reads none of those any more. Its read is under way
  // for three cycles before it reaches the memory, as in the core.
  (* anyseq *) logic [ADDRESS:0] lets_go, looks;
  logic [2:0] reading;
  logic [2:0][ADDRESS:0] looked;

  always_comb begin
    assume ((ADDRESS + 1)'(written - freed) >= lets_go);
    assume ((ADDRESS + 1)'(looks - freed) < (ADDRESS + 1)'(written - freed) || !reads);
  end

  always_ff @(posedge clk) begin
    freed <= rst ? '0 : freed + lets_go;
    reading <= rst ? '0 : {reading[1:0], reads};
    looked <= {looked[1:0], looks};
  end
  assign read = reading[2];
  assign at = looked[2];
  assign read_address = at[ADDRESS-1:0];

  // One word of the stream, any of them, is followed: the `place`th modulo twice the depth.
  (* anyconst *) logic [ADDRESS:0] place;
  logic there;
  logic was_read = 1'b0;
  logic [3:0] came;

  always_ff @(posedge clk) begin
    if (rst) begin
      there <= 1'b0;
    end else if (word_valid && word_ready && written == place) begin
      there <= 1'b1;
      came <= word;
    end
    was_read <= !rst && read && at == place;
    if (was_read && there) a_word: assert (read_word == came);
  end


  // Begins with a reset.
  logic begun = 1'b0;
  always_ff @(posedge clk) begin
    begun <= 1'b1;
    if (!begun) assume (rst);
  end

endmodule

`default_nettype wire
