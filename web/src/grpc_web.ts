// The official grpc-web runtime, with descriptors made of what protobuf-es generates.

import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageShape,
  create,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { base64Decode } from "@bufbuild/protobuf/wire";
import * as grpcWeb from "grpc-web";

import { BadRequestSchema, ErrorInfoSchema, StatusSchema } from "../generated/google/rpc/error_pb";
import { CallError, type Client, headers, path } from "./client";

/** `text` encodes bodies with base64, which is how this client reads streams; `binary` has no streams. */
export function grpcWebClient(baseUrl: string, format: "text" | "binary"): Client {
  const client = new grpcWeb.GrpcWebClientBase({ format });
  const unary: Client["unary"] = async (method, request, options) => {
    const message = create(method.input, request);
    const url = baseUrl + path(method);
    try {
      return await client.unaryCall(url, message, headers(options), describe(method));
    } catch (error) {
      throw callError(error);
    }
  };
  if (format === "binary") {
    return { unary };
  }
  return {
    unary,
    async *serverStream(method, request, options) {
      const url = baseUrl + path(method);
      const stream = client.serverStreaming(url, create(method.input, request), headers(options), describe(method));
      options?.signal?.addEventListener("abort", () => stream.cancel());
      yield* messagesOf<MessageShape<typeof method.output>>(stream, options?.signal);
    },
  };
}

function describe<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O> | DescMethodServerStreaming<I, O>,
): grpcWeb.MethodDescriptor<MessageShape<I>, MessageShape<O>> {
  const kind = method.methodKind === "unary" ? grpcWeb.MethodType.UNARY : grpcWeb.MethodType.SERVER_STREAMING;
  // The classes are never made by the runtime; it only hands messages on to the two functions.
  const noClass = Object as never;
  return new grpcWeb.MethodDescriptor(
    path(method),
    kind,
    noClass,
    noClass,
    (message: MessageShape<I>) => toBinary(method.input, message),
    (bytes: Uint8Array) => fromBinary(method.output, bytes),
  );
}

/** The messages of a stream that calls back, one after the other. */
async function* messagesOf<T>(stream: grpcWeb.ClientReadableStream<T>, signal?: AbortSignal): AsyncIterable<T> {
  const arrived: T[] = [];
  let ended = false;
  let failure: CallError | undefined;
  let wake = () => {};
  const something = (change: () => void) => {
    change();
    wake();
  };
  stream.on("data", (message) => something(() => arrived.push(message)));
  stream.on("error", (error) => something(() => (failure = callError(error))));
  stream.on("end", () => something(() => (ended = true)));
  // A stream that was cancelled calls nobody back.
  signal?.addEventListener("abort", () => something(() => (failure = new CallError(1, "cancelled", undefined, []))));
  for (;;) {
    const next = arrived.shift();
    if (next !== undefined) {
      yield next;
    } else if (failure) {
      throw failure;
    } else if (ended) {
      return;
    } else {
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
}

function callError(thrown: unknown): CallError {
  const error = thrown as grpcWeb.RpcError;
  const encoded = error.metadata?.["grpc-status-details-bin"];
  const details = encoded ? fromBinary(StatusSchema, base64Decode(encoded)).details : [];
  const info = details.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find((found) => found !== undefined);
  const requests = details.map((detail) => anyUnpack(detail, BadRequestSchema)).filter((found) => found !== undefined);
  const fields = requests.flatMap((request) => request.fieldViolations.map((violation) => violation.field));
  return new CallError(error.code, error.message, info?.reason, fields);
}
