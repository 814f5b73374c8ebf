// What every client can do, so that the same tests run with each of them.

import type { DescMessage, DescMethodServerStreaming, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

/** What goes with a call. */
export interface CallOptions {
  /** An access token. */
  token?: string;
  /** Ends the call before its answer. */
  signal?: AbortSignal;
}

/** A client of the gateway. */
export interface Client {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;

  /** Absent where the client has no streams. */
  serverStream?<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncIterable<MessageShape<O>>;
}

/** An error of a call, in the same form whichever client threw it. */
export class CallError extends Error {
  constructor(
    /** The number of the gRPC status. */
    readonly code: number,
    message: string,
    /** The reason of `google.rpc.ErrorInfo`. */
    readonly reason: string | undefined,
    /** The fields of `google.rpc.BadRequest`. */
    readonly fields: string[],
  ) {
    super(message);
  }
}

export function headers(options?: CallOptions): Record<string, string> {
  return options?.token ? { authorization: `Bearer ${options.token}` } : {};
}

/** The path of a call of the method. */
export function path(method: DescMethodUnary | DescMethodServerStreaming): string {
  return `/${method.parent.typeName}/${method.name}`;
}
