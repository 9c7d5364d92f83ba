// SPDX-License-Identifier: MIT OR Apache-2.0
// Packets: never more are kept than have a place, a packet stands as it came until it is used up, and only one that stands is used up
// (ernscope_packet_receiver's own assertions), whatever bytes come and however the core takes what is in them.
`default_nettype none

module packets_proof (
  input logic clk,
  input logic rst,
  input logic in_valid,
  input logic [7:0] in_data,
  input logic program_ready, program_free, frame_ready
);

  localparam int BODY_ADDRESS = 3;

  logic opened, anew, notice, packet_valid, packet_done, body_read, program_valid, busy, frame_valid;
  ernscope_pkg::reason_t notice_reason;
  ernscope_pkg::kind_t packet_kind;
  logic [7:0] session, expected, packet_sequence, body_data, program_sequence, used_up;
  logic [BODY_ADDRESS:0] packet_length;
  logic [BODY_ADDRESS-1:0] body_address;
  logic [31:0] program_data, checksum;
  logic [63:0] frame_data;

  ernscope_packet_receiver #(.SLOTS(4), .BODY(8)) u_receiver (
    .clk, .rst, .in_valid, .in_data, .opened, .anew, .session, .expected, .notice, .notice_reason,
    .packet_valid, .packet_sequence, .packet_kind, .packet_length, .packet_done, .body_read, .body_address, .body_data
  );

  ernscope_request_port #(.FRAME_BITS(64), .CODE_BYTES(8), .BODY_ADDRESS(BODY_ADDRESS)) u_requests (
    .clk, .rst(anew), .first(expected),
    .packet_valid, .packet_sequence, .packet_kind, .packet_length, .packet_done, .body_read, .body_address, .body_data,
    .program_valid, .program_ready, .program_data, .program_free, .program_sequence, .checksum, .used_up, .busy,
    .frame_valid, .frame_ready, .frame_data
  );

  // Begins with a reset.
  logic begun = 1'b0;
  always_ff @(posedge clk) begin
    begun <= 1'b1;
    if (!begun) assume (rst && anew);
  end

endmodule

`default_nettype wire
