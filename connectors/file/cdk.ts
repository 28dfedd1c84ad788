import { Token } from 'aws-cdk-lib';
import type { IAccessPoint } from 'aws-cdk-lib/aws-efs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';

/** What FileStreamSource and FileStreamSink need of AWS: a disk that outlives the function, with the files on it. */

interface MountedFiles {
  /**
   * To the EFS file system with the files, which has mount targets in the subnets of the functions. Lambda mounts one file
   * system in a function: all file connectors of an installation share it.
   */
  readonly accessPoint: IAccessPoint;
  /** Where configs find it: `/mnt/` and a name, as in `"file": "/mnt/orders/today.txt"` for `/mnt/orders`. */
  readonly mountPath: string;
}

export interface FileSourceProps extends MountedFiles {
  /** A connector that reads one of them, declared with it. @default - none, or created by other means */
  readonly connector?: AttachedConnector<'FileStreamSource'>;
}

export interface FileSinkProps extends MountedFiles {
  /** A connector that writes one of them, declared with it. @default - none, or created by other means */
  readonly connector?: AttachedConnector<'FileStreamSink'>;
}

/**
 * Mounts a file system for connectors that read its files, and lets configs name those. Throws without a VPC, for a path
 * that Lambda would refuse, and for a second file system.
 */
export function fileSource(drover: Drover, props: FileSourceProps): void {
  allowReading(drover, props);
  if (props.connector !== undefined) attachConnector(drover, 'FileStreamSource', {}, props.connector);
}

/** The same for connectors that write to its files. */
export function fileSink(drover: Drover, props: FileSinkProps): void {
  allowReading(drover, props);
  permit(drover, props, 'elasticfilesystem:ClientWrite');
  if (props.connector !== undefined) attachConnector(drover, 'FileStreamSink', {}, props.connector);
}

function allowReading(drover: Drover, props: MountedFiles): void {
  mount(drover, props);
  permit(drover, props, 'elasticfilesystem:ClientMount');
}

function mount(drover: Drover, { accessPoint, mountPath }: MountedFiles): void {
  if (!Token.isUnresolved(mountPath) && !/^\/mnt\/[\w.-]{1,155}$/.test(mountPath)) {
    throw new Error(`mountPath is "${mountPath}": it must be /mnt/ and a name of letters, digits, "_", "-" and "."`);
  }
  const { taskFunction } = drover;
  if (!taskFunction.isBoundToVpc) {
    throw new Error('A file system is mounted over the network of a VPC: give Drover the prop vpc');
  }
  const mounted = { arn: accessPoint.accessPointArn, localMountPath: mountPath };
  const declared = taskFunction.node.defaultChild as CfnFunction;
  const before = declared.fileSystemConfigs as readonly CfnFunction.FileSystemConfigProperty[] | undefined;
  const isMounted = before?.some(({ arn, localMountPath }) => arn === mounted.arn && localMountPath === mountPath);
  if (isMounted) return;
  if (before !== undefined) {
    throw new Error(
      `${mountPath} would be a second mount beside ${before[0]?.localMountPath}, and Lambda allows one: ` +
        'give all file connectors the same accessPoint and mountPath',
    );
  }
  declared.fileSystemConfigs = [mounted];
  // A function cannot be made while there is nothing to mount, and not be reached by what is not let in.
  taskFunction.node.addDependency(accessPoint.fileSystem.mountTargetsAvailable);
  accessPoint.fileSystem.connections.allowDefaultPortFrom(drover);
  drover.allowFiles(mountPath);
}

function permit(drover: Drover, { accessPoint }: MountedFiles, action: string): void {
  drover.taskFunction.addToRolePolicy(
    new PolicyStatement({
      actions: [action],
      resources: [accessPoint.fileSystem.fileSystemArn],
      conditions: { StringEquals: { 'elasticfilesystem:AccessPointArn': accessPoint.accessPointArn } },
    }),
  );
}
