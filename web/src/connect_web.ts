// connect-web, over gRPC-Web and over the Connect protocol.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { ConnectError, type StreamResponse, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";

import { BadRequestSchema, ErrorInfoSchema } from "../generated/google/rpc/error_pb";
import { CallError, type Client, headers } from "./client";

export function connectOverGrpcWeb(baseUrl: string): Client {
  const transport = createGrpcWebTransport({ baseUrl });
  return {
    unary: unaryOver(transport),
    async *serverStream(method, request, options) {
      try {
        const requests = (async function* () {
          yield request;
        })();
        const answer = await transport.stream(method, options?.signal, undefined, headers(options), requests);
        yield* (answer as StreamResponse<typeof method.input, typeof method.output>).message as AsyncIterable<
          MessageShape<typeof method.output>
        >;
      } catch (error) {
        throw callError(error);
      }
    },
  };
}

export function connectOverConnect(baseUrl: string, useBinaryFormat: boolean): Client {
  return { unary: unaryOver(createConnectTransport({ baseUrl, useBinaryFormat })) };
}

function unaryOver(transport: Transport): Client["unary"] {
  return async (method, request, options) => {
    try {
      const answer = await transport.unary(method, options?.signal, undefined, headers(options), request);
      return answer.message as MessageShape<typeof method.output & DescMessage>;
    } catch (error) {
      throw callError(error);
    }
  };
}

function callError(thrown: unknown): CallError {
  const error = ConnectError.from(thrown);
  const fields = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
  return new CallError(
    error.code,
    error.rawMessage,
    error.findDetails(ErrorInfoSchema)[0]?.reason,
    fields.map((violation) => violation.field),
  );
}
