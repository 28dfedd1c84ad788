import { describe, expect, it } from 'vitest';
import { compareVersions } from '../../src/java/version-order.ts';

describe("the order of versions is Maven's (recorded with its ComparableVersion)", () => {
  it.each([
    ['4.3', '4.3.0', 0],
    ['4.3.0-SNAPSHOT', '4.3.0', -1],
    ['4.3.0-rc1', '4.3.0-rc2', -1],
    ['4.10', '4.9', 1],
    ['2.1alpha.m', '0beta.2.1', 1],
    ['1.a1', '0-', 1],
    ['rc.rc--1--1', 'rc1.1..20', -1],
    ['0foo.rc', '0alpha-sp', 1],
    ['1--foo-10', '1.b2', 1],
    ['release', 'release-rc', 1],
    ['210.2', '0-2--snapshot', 1],
    ['0.x', '0.x.cr', -1],
    ['2', '0', 1],
    ['2.rc', '2.rc-a1', 1],
    ['0', '0.a1', 1],
    ['0--cr--sp', '1-', -1],
    ['rc.m', '0.0-sp-', -1],
    ['2.foo.1..ga', '1..0.a1', 1],
    ['0--007-1-rc', '0', 1],
    ['2-0-rc', '1foo', 1],
    ['1', '1x', -1],
    ['1', '2.m--x.rc', -1],
    ['1--ga-a1', '1--ga-a1alpha', 1],
    ['0', '0.b2', 1],
    ['aga', '1..rc', -1],
    ['1', '2-sp', -1],
    ['m--alpha', 'm--alpha-x', -1],
    ['2-a', '2-asnapshot', -1],
    ['1', '0', 1],
    ['1', '1..10', -1],
    ['1--a', '1--a-release', 0],
    ['0', '0.0', 0],
    ['2', '2--0', 0],
    ['1sp-b2', '1sp-b2-final', 0],
    ['0-a1', '0-a1release', 0],
    ['0', '0release', 0],
    ['2', '2.0', 0],
    ['0', '0-0', 0],
    ['0', '0..final', 0],
    ['1-m', '1-m..0', 0],
    ['0', '0-', 0],
    ['2x', '2x--ga', 0],
    ['0', '0..final', 0],
    ['0.m-beta', '0.m-beta--0', 0],
  ])('%s and %s: %i', (one, other, expected) => {
    expect(Math.sign(compareVersions(one, other))).toBe(expected);
    expect(Math.sign(compareVersions(other, one))).toBe(0 - expected);
  });
});
