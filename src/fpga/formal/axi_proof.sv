// SPDX-License-Identifier: MIT OR Apache-2.0
// The bus: what it offers stands until it is taken, an access has one answer and never waits for more than some cycles, and a word of
// COMMAND that was not refused reaches the core once, and in order (ernscope_axi's own assertions).
`default_nettype none

module axi_proof (
  input logic aclk,
  input logic aresetn,
  input logic awvalid, wvalid, bready, arvalid, rready, result_ready,
  input logic [3:0] awaddr, wstrb, araddr,
  input logic [31:0] wdata
);

  logic awready, wready, bvalid, arready, rvalid, frame_ready, weight_ready, result_valid, result_last;
  logic [1:0] bresp, rresp, result_user;
  logic [31:0] rdata, result;

  ernscope_axi u_axi (
    .aclk, .aresetn,
    .s_axil_awvalid(awvalid), .s_axil_awready(awready), .s_axil_awaddr(awaddr), .s_axil_awprot('0),
    .s_axil_wvalid(wvalid), .s_axil_wready(wready), .s_axil_wdata(wdata), .s_axil_wstrb(wstrb),
    .s_axil_bvalid(bvalid), .s_axil_bready(bready), .s_axil_bresp(bresp),
    .s_axil_arvalid(arvalid), .s_axil_arready(arready), .s_axil_araddr(araddr), .s_axil_arprot('0),
    .s_axil_rvalid(rvalid), .s_axil_rready(rready), .s_axil_rdata(rdata), .s_axil_rresp(rresp),
    .s_axis_frame_tvalid(1'b0), .s_axis_frame_tready(frame_ready), .s_axis_frame_tdata('0),
    .s_axis_weight_tvalid(1'b0), .s_axis_weight_tready(weight_ready), .s_axis_weight_tdata('0), .s_axis_weight_tlast(1'b0),
    .m_axis_result_tvalid(result_valid), .m_axis_result_tready(result_ready), .m_axis_result_tdata(result),
    .m_axis_result_tlast(result_last), .m_axis_result_tuser(result_user)
  );

  // Begins with a reset.
  logic begun = 1'b0;
  always_ff @(posedge aclk) begin
    begun <= 1'b1;
    if (!begun) assume (!aresetn);
  end

endmodule

`default_nettype wire
