// SPDX-License-Identifier: MIT OR Apache-2.0
// In the core's place where its bus is proved: whatever a core may do that offers its streams as it should. packaging/prove-rtl puts
// it behind the core's own parameters and ports.

  (* anyseq *) logic takes_program, takes_frame, takes_weights, starves, runs, gives_read, gives_result, lasts;
  (* anyseq *) logic [31:0] reads, results;
  (* anyseq *) ernscope_pkg::stream_fault_t faults;

  assign {program_ready, frame_ready, weight_ready, weight_starved, running} = {takes_program, takes_frame, takes_weights, starves, runs};
  assign {read_valid, read_data} = {gives_read, reads};
  assign {result_valid, result_data, result_last, result_fault} = {gives_result, results, lasts, faults};

  logic read_stands = 1'b0, result_stands = 1'b0;
  logic [31:0] read_stood, result_stood;
  always_ff @(posedge clk) begin
    read_stands <= !rst && read_valid && !read_ready;
    result_stands <= !rst && result_valid && !result_ready;
    {read_stood, result_stood} <= {read_data, result_data};
  end
  always_comb begin
    if (read_stands) assume (read_valid && read_data == read_stood);
    if (result_stands) assume (result_valid && result_data == result_stood);
  end

endmodule
